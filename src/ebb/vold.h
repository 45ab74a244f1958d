/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebb-vold as commands ask it: one question after the other over its command socket, in the state
 * folder that --state or the configuration names.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_VOLD_H
#define EBB_EBB_VOLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "os/loop.h"

struct call;
struct linux_world;
struct world;

struct vold {
	struct linux_world *lw;
	struct world *world; /* that of lw */
	struct timer timer;
	char state[CONF_PATH_MAX];
	char socket[CONF_PATH_MAX + sizeof("/vold.sock")];
	json_t *answer; /* of the last question */
	int code;
	bool quiet; /* failures are not told */
};

/* Finds it; nothing is asked yet. An exit code; failures were told, as below. */
int vold_find(const struct call *call, struct vold *ret_vold);

/* For OWN(). */
void vold_done(struct vold *vold);

/* vold->answer is the whole answer. */
int vold_ask(struct vold *vold, const char *const *words, size_t count);

/* Begins what takes its time, and waits until it is done. */
int vold_act(struct vold *vold, const char *const *words, size_t count);

/* The loop turns so long. */
void vold_wait(struct vold *vold, int64_t ns);

#endif
