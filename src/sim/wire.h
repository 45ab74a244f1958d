/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream between two nodes (or two places of one), seen from above: two ends, and two ways that
 * carry bursts of bytes. wire.c moves the bursts, stream.c is what an end's owner holds, net.c
 * knows who listens. Nobody outside the room includes this.
 *
 * A way, from its sender's end to the other:
 *
 *     IDLE --work--> SEND --passes--> ARRIVE --> ACK --> IDLE
 *                     ^ |               |  \
 *                     | lost            |   nobody is there --> RESET
 *                     +-- retry <-------+ ack lost
 *
 * 1. The first `burst` bytes of `out` are under way or arrived; what lies behind them waits.
 * 2. `arrived`: the burst has been delivered and only its acknowledgement is missing, so that a
 *    repetition delivers nothing.
 * 3. At most one event is pending for each way, and for each end.
 * 4. The wire is freed when nobody holds an end and nobody is still to be given one.
 *
 * One thread.
 */
#ifndef EBB_SIM_WIRE_H
#define EBB_SIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/net.h"
#include "sim/net.h"

struct sim;
struct sim_node;

struct fifo {
	uint8_t *bytes; /* SIM_NET_BUFFER */
	size_t head, len;
};

struct node_stream {
	struct stream base;
	struct wire_end *end;
};

struct wire_end {
	struct wire *wire;
	struct sim_node *node;
	struct node_stream *stream; /* NULL: not given yet, closed, or its node died */
	unsigned wanted;
	uint32_t event; /* READY or, for the listening side, ACCEPT; 0: none */
	bool connected;
	bool closed;  /* by its owner, or by the kernel when the owner was killed */
	bool silent;  /* its node crashed */
	bool ended;   /* the other side has closed and all its bytes have arrived */
	bool unheard; /* the other side has closed and says so: writing is over, reading is not */
	bool told_gone;
	int error;      /* negative errno; 0: none */
	struct fifo in; /* arrived, unread */
};

enum way_step { WAY_IDLE, WAY_SEND, WAY_ARRIVE, WAY_ACK, WAY_RESET };

struct wire_way {
	struct wire *wire;
	unsigned side; /* the sender's end */
	enum way_step step;
	uint32_t event;
	struct fifo out;      /* written, not acknowledged */
	bool to_open, to_end; /* what is still to be said besides bytes */
	bool sending;         /* a burst is made up: its size and its words are fixed */
	bool burst_end;
	bool arrived;
	size_t burst;
	unsigned tries;
	int reset; /* what the sender will learn */
};

struct wire {
	struct sim *sim;
	struct wire *next, **at;
	uint64_t id;
	char *address;
	bool local;              /* within a node */
	bool pinned;             /* a callback runs on one of its ends */
	struct wire_end ends[2]; /* 0: who connected, 1: who listened */
	struct wire_way ways[2]; /* by sender */
};

/* Gives a wire that nobody holds yet; NULL: no memory. */
struct wire *wire_new(struct sim_node *from, struct sim_node *to, const char *address, bool local);

/* Frees it when nobody needs it any more. */
void wire_check(struct wire *wire);

/* Something may be ready to be sent: looks after `delay_ns`. */
void way_pump(struct wire_way *way, int64_t delay_ns);

/* The receiver has read; a sender that waits for space learns of it, or asks after a while. */
void way_tell_space(struct wire_way *way);

/* The end's stream is over with this error; nothing is told to the other. */
void end_fail(struct wire_end *end, int error);
void wire_reset(struct wire *wire);

/* Gives the owner of an end its stream: 0, -ENOMEM. stream.c */
int end_give(struct wire_end *end, struct stream **ret_stream);
/* Tells the owner, when there is something to tell. */
void end_notify(struct wire_end *end);
/* The node of the end dies: its handle goes, by the rules of how it dies. */
void end_die(struct wire_end *end);

/* Whether somebody listens there: net.c */
bool node_listens(struct sim_node *node, const char *address);

size_t fifo_put(struct fifo *fifo, const void *bytes, size_t len);
size_t fifo_get(struct fifo *fifo, void *bytes, size_t len);

static inline size_t fifo_space(const struct fifo *fifo)
{
	return SIM_NET_BUFFER - fifo->len;
}

static inline struct wire_end *end_across(const struct wire_end *end)
{
	return &end->wire->ends[end == end->wire->ends];
}

/* Nothing that it writes would arrive any more. */
static inline bool end_is_mute(const struct wire_end *end)
{
	return end->error || end->ended || end->unheard;
}

static inline struct wire_way *way_from(const struct wire_end *end)
{
	return &end->wire->ways[end != end->wire->ends];
}

#endif
