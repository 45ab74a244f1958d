/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world: all that is outside a function's arguments. It is handed in at the top and from there
 * to whoever needs a part of it; nothing reaches around it. Two worlds exist: Linux (os/linux) and
 * the simulator (sim), where several nodes live in one process in virtual time.
 */
#ifndef EBB_OS_WORLD_H
#define EBB_OS_WORLD_H

struct world {
	struct clock *clock;
	struct dice *dice;
	struct loop *loop;
	struct disk *disk; /* rooted at the node's state folder */
	struct aio *aio;
	struct net *net;
	struct procs *procs;
	struct host *host;
};

#endif
