/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a fill share. For these only.
 *
 * The loop's thread only.
 */
#ifndef EBB_EBB_VOLD_FILL_INNER_H
#define EBB_EBB_VOLD_FILL_INNER_H

#include "ebb-vold/fill.h"
#include "nbd/client.h"
#include "os/loop.h"
#include "vol/engine.h"
#include "vol/map.h"

enum { FILL_SLOTS = 8, FILL_BEHIND = 4, FILL_TEXT = 4096 };

enum fetch_state { FETCH_FREE, FETCH_ASKED, FETCH_THERE, FETCH_WRITES };

/* One extent on its way. */
struct fetch {
	struct fill *fill;
	enum fetch_state state;
	uint32_t extent;
	bool behind;    /* nobody waits for it */
	unsigned block; /* where writing goes on */
	struct nbd_asked asked;
	struct engine_request write;
	uint8_t *bytes;
};

/* A request of a client. */
struct gated {
	struct gated *next;
	struct fill *fill;
	bool running;
	struct engine_request own; /* with the engine */
	struct engine_request *theirs;
};

struct fill {
	struct fill_parts parts;
	char address[FILL_TEXT], name[FILL_TEXT];
	uint32_t extents;
	uint64_t *settled; /* by extent: what is not present of it is zeros */
	uint32_t cursor;   /* extents before it are settled, or failed */
	bool stopped, flushing, whole, retired;
	uint64_t fetched, unflushed, failed;
	unsigned running;
	struct gated *gated, **gated_end;
	struct timer step, retry;
	struct engine_request flush;
	int flush_err;
	struct stream *stream;
	struct nbd_client *client;
	struct nbd_asked look; /* for holes */
	bool looking;
	uint64_t looked_to, look_at;
	struct fetch fetches[FILL_SLOTS];
};

/* The step comes soon. */
void fill_kick(struct fill *fill);

/* A request of a client is done; the fill may be gone when it returns. */
void fill_ran(struct fill *fill);

static inline bool fill_settled(const struct fill *fill, uint32_t extent)
{
	return fill->settled[extent / 64] >> extent % 64 & 1;
}

static inline void fill_settle(struct fill *fill, uint32_t extent)
{
	fill->settled[extent / 64] |= UINT64_C(1) << extent % 64;
}

/* ---- fill_source.c ---- */

/* Connects, and again whenever it is gone. */
void source_open(struct fill *fill);
void source_close(struct fill *fill);
bool source_ready(const struct fill *fill);

/* What was asked goes out. */
void source_push(struct fill *fill);

/* ---- fill_gate.c ---- */

/* Runs what may run by now. */
void gate_wake(struct fill *fill);

/* The next extent that a request waits for and that nobody fetches. False: none. */
bool gate_wants(const struct fill *fill, uint32_t *ret_extent);

/* What waits for that extent fails. */
void gate_fail(struct fill *fill, uint32_t extent, int err);
void gate_refuse(struct fill *fill, int err);

/* A client's write or zeros to that extent are with the engine. */
bool gate_writes(const struct fill *fill, uint32_t extent);

#endif
