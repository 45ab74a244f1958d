/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person should know, and who has been told already. It is said each turn what is so and
 * what is not; each of those whom the configuration names is told once when it begins to be so and
 * once when it ends, each by a program of its own:
 *
 *     ebb notify send NAME DOCUMENT --config FILE
 *
 * One that fails is tried again, after 10 s, twice as much, at most 10 min, until it is taken. What
 * is told stands in the file `notices` of the state folder (docs/FORMATS.md, "Notices") before it
 * is, and that it was taken afterwards: a crash tells twice rather than not at all. With nobody to
 * tell nothing is remembered.
 *
 * The loop's thread only.
 */
#ifndef EBB_NOTIFY_BOOK_H
#define EBB_NOTIFY_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/notify.h"
#include "store/head.h"

struct book;
struct world;

struct book_options {
	struct world *world;             /* this and all below is borrowed */
	const char *program;             /* the absolute path of ebb */
	const char *const *env;          /* of the programs that are run; NULL at the end */
	uint8_t identity[IDENTITY_SIZE]; /* of the node, whose file it is */
};

/* Gives it, with what an earlier life has left; a file that cannot be read counts as none. 0 or
 * -ENOMEM. */
int book_open(const struct book_options *options, struct book **ret_book);

/* Takes it; NULL is allowed. */
void book_close(struct book *book);

/* Whom to tell from now on, by which file, as which node; copied. 0, or -ENOMEM: as before. */
int book_set(
	struct book *book, const struct conf_notifies *to, const char *config, const char *node);

struct notice {
	enum notice_kind kind;
	const char *resource;
	bool is_so;
	const char *text; /* a sentence, of what is so or is so no longer */
};

/* Some of what is so must have ceased for a while before that is told: it may come and go. */
void book_say(struct book *book, const struct notice *notice);

/* Nothing new is known of it: it is as it was. */
void book_keep(struct book *book, enum notice_kind kind, const char *resource);

/* What was neither said nor kept since the last turn is watched no more. Begins to tell. */
void book_turn(struct book *book);

/* How many notices are not taken yet by all who want them. */
size_t book_waiting(const struct book *book);

#endif
