/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebb-vold and ebbd, kept running in the foreground on one state folder. ebb-vold is started first
 * and ended last, so that ebbd never finds the data path missing. SIGINT and SIGTERM end both in
 * order, a second one at once.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_SESSION_H
#define EBB_EBB_SESSION_H

#include <stdbool.h>

#include "ebb/child.h"
#include "ebb/config.h"

struct call;
struct linux_world;
struct signals;
struct world;

enum { SESSION_VOLD, SESSION_BRAIN, SESSION_CHILDREN };

struct session {
	/* set by the owner before session_open() */
	const struct call *call; /* this and the next three are borrowed */
	void *arg;
	/* An event for people or programs; `program` may be NULL. */
	void (*say)(struct session *session, const char *event, const char *program,
		const char *sentence);
	/* Everything answers for the first time; it may stop the session. */
	void (*on_up)(struct session *session);
	struct config_source source;
	struct config config; /* read; session_done() takes it */

	struct linux_world *lw;
	struct world *world; /* that of lw */
	struct signals *signals;
	const char **environment; /* of the programs */
	struct child children[SESSION_CHILDREN];
	bool told;     /* that all is up */
	bool stopping; /* in order; a second signal makes it at once */
	int code;      /* what it ended with */
};

/*
 * A new folder NAME-N for a session that names none, beneath where sessions keep their state.
 * An exit code; failures were told.
 */
int session_make_state(const struct call *call, const char *name, char state[CONF_PATH_MAX + 1]);

/*
 * Makes the state folder, and finds the programs. `more`: lines NAME=VALUE that come before those
 * of the call's environment, NULL at the end; borrowed. An exit code; failures were told.
 */
int session_open(struct session *session, const char *const *more);

/* Starts both; from then on the loop of `world` has to turn. */
void session_start(struct session *session);

/* Ends both in order, and then stops the loop; `code` counts when it is the first call. */
void session_stop(struct session *session, int code);

/* Whether nothing runs any more. */
bool session_is_down(const struct session *session);

/* Nothing runs any more, or nothing was started. For OWN(). */
void session_done(struct session *session);

#endif
