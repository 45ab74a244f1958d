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
struct world;

/* Takes the listener, also on failure. `uid` may talk besides root. Gives the control; -ENOMEM. */
int control_open(
	struct world *world, struct listener *listener, uint32_t uid, struct control **ret_control);

/* Takes the control; NULL is allowed. */
void control_close(struct control *control);

#endif
