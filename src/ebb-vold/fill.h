/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A volume that is served while it fills from another NBD export, such as a recovery point.
 *
 * Which blocks are there is what the volume's own map says: one that was written, by a client or by
 * us, is present; any other is missing, as long as the file `fill` lies in the volume's folder.
 * That file names the source. So a crash forgets only what was not flushed, and that is fetched
 * again: the source does not change.
 *
 *   1. A request runs only when every block that it reads is present, or known to be zeros.
 *   2. We write missing blocks only, and nobody else writes to their extent meanwhile.
 *   3. Zeros are written as blocks, because a block that is not present would be fetched again.
 *   4. The file goes, durably, only after all that was fetched is durable; from then on what is not
 *      present are zeros.
 *
 * A source that goes away is connected to again, and requests for what is missing wait so long.
 *
 * The loop's thread only.
 */
#ifndef EBB_EBB_VOLD_FILL_H
#define EBB_EBB_VOLD_FILL_H

#include <stdbool.h>
#include <stdint.h>

struct disk;
struct engine;
struct engine_request;
struct fill;
struct why;
struct world;

/* Notes durably that the volume in this folder is to be filled, before there is a volume in it. */
int fill_note(struct disk *disk, const char *address, const char *name, struct why *why);

/* All borrowed. */
struct fill_parts {
	struct world *world;
	struct disk *disk; /* the volume's folder */
	struct engine *engine;
	/* It is an ordinary volume now: fill_retire() is what is left to do. */
	void (*whole)(void *arg);
	void *arg;
};

/* Goes on as the volume's folder says. 0 and NULL: it is an ordinary volume. */
int fill_open(const struct fill_parts *parts, struct fill **ret_fill, struct why *why);

/* As engine_submit() and engine_forsake(), of a request that came by fill_submit(). */
void fill_submit(struct fill *fill, struct engine_request *request);
void fill_forsake(struct fill *fill, struct engine_request *request);

/* Nothing is begun any more, and requests that wait are refused; until fill_go_on(). */
void fill_stop(struct fill *fill);
void fill_go_on(struct fill *fill);

/* After fill_stop(): nothing of it is with the engine. */
bool fill_idle(const struct fill *fill);

/* Takes it, once it is idle, or the engine is at its end; NULL is allowed. */
void fill_close(struct fill *fill);

/* Takes it; it goes when the last request that it runs is done. */
void fill_retire(struct fill *fill);

struct fill_facts {
	const char *address, *name;
	bool connected;
	uint64_t looked; /* bytes of the volume, from its start, that are there */
	uint64_t fetched, failed;
};
struct fill_facts fill_facts(const struct fill *fill);

#endif
