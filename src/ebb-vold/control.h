/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command socket of ebb-vold: by it ebbd and people ask what is served.
 *
 * The loop's thread only.
 */
#ifndef EBB_EBB_VOLD_CONTROL_H
#define EBB_EBB_VOLD_CONTROL_H

#include <stdint.h>

struct control;
struct listener;
struct server;
struct volumes;
struct world;

struct control_parts {
	struct world *world;
	struct volumes *volumes;
	struct server *server;
	void (*stop)(void *arg); /* ends the program in order */
	void *arg;
};

/* Takes the listener, also on failure. `uid` may talk besides root. Gives the control; -ENOMEM. */
int control_open(const struct control_parts *parts, struct listener *listener, uint32_t uid,
	struct control **ret_control);

/* Takes the control; NULL is allowed. */
void control_close(struct control *control);

#endif
