/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of `demo` share: the session, the client of its volume, and how other commands are
 * run while both go on.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_DEMO_H
#define EBB_EBB_DEMO_H

#include <jansson.h>

#include "ebb/demo_week.h"
#include "ebb/demo_writer.h"
#include "ebb/session.h"

enum { DEMO_HASH = 65, DEMO_SAID = 1024 };

struct demo {
	struct session session;
	const struct call *call;
	struct week_look look;
	bool json, made; /* the state folder is ours */
	char state[CONF_PATH_MAX + 1];
	char address[CONF_PATH_MAX + 32]; /* of the volume's server */
	struct writer writer;
	struct week week;

	/* of the command that runs, or ran last */
	struct proc *proc;
	int status;
	double took_s;
	char said[DEMO_SAID]; /* its first line of trouble, "" when there was none */
	struct timer timer;
};

/* Lets everything go on for so long; false: the session is ending. */
bool demo_wait(struct demo *demo, int64_t ns);

/*
 * Runs `ebb WORDS...` to its end. Its exit code; gives the last document it printed (NULL:
 * none), json_decref() by the caller. -1: it was not run, or the session is ending.
 */
int demo_run(struct demo *demo, const char *const *words, json_t **ret_answer);

/* The same where only EXIT_OK will do: an exit code, and anything else was told. */
int demo_must(struct demo *demo, const char *const *words, json_t **ret_answer);

/* An event: a line of JSON, which takes `facts`, or a sentence for people. */
void demo_say(struct demo *demo, const char *event, json_t *facts, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The SHA-256 of a file in the state folder, in hex. 0 or negative errno. */
int demo_hash_file(struct demo *demo, const char *name, char ret_hex[DEMO_HASH]);

/*
 * Of a volume after that many writes of the writer; and how many they were, by the file of its
 * image (0: it is none). 0 or negative errno.
 */
int demo_hash_writes(uint64_t writes, uint64_t blocks, char ret_hex[DEMO_HASH]);
int demo_count_writes(struct demo *demo, const char *name, uint64_t *ret_writes);

/* Flips a bit in the middle of the largest pack of the repository, whose hash was `ret_hex`. */
struct demo_flip {
	char name[256]; /* in the state folder */
	uint64_t at;
	uint8_t was, is;
};
int demo_flip(struct demo *demo, struct demo_flip *ret_flip, char ret_hex[DEMO_HASH]);

#endif
