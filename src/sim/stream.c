/* SPDX-License-Identifier: Apache-2.0 */
/* What the owner of an end holds: reading, writing, and being told. */
#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/must.h"
#include "sim/parts.h"
#include "sim/wire.h"

static struct wire_end *of(struct stream *stream)
{
	return container_of(stream, struct node_stream, base)->end;
}

/* One in four transfers is shorter than it could be. */
static size_t draw_len(struct wire_end *end, size_t len)
{
	struct rng *rng = &end->node->rng;
	return len > 1 && rng_below(rng, 4) == 0 ? 1 + rng_below(rng, len) : len;
}

static ssize_t node_stream_read(struct stream *stream, void *bytes, size_t len)
{
	struct wire_end *end = of(stream);
	must(len > 0); /* or 0 would look like the end */
	if (!node_alive(end->node))
		return -ECONNRESET;
	if (end->in.len) {
		if (len > end->in.len)
			len = end->in.len;
		len = fifo_get(&end->in, bytes, draw_len(end, len));
		way_tell_space(way_from(end_across(end)));
		return (ssize_t)len;
	}
	if (end->error)
		return end->error;
	return end->ended ? 0 : -EAGAIN;
}

static ssize_t node_stream_write(struct stream *stream, const void *bytes, size_t len)
{
	struct wire_end *end = of(stream);
	struct wire_way *way = way_from(end);
	if (!node_alive(end->node) || end_is_mute(end))
		return -EPIPE;
	if (!end->connected || !fifo_space(&way->out))
		return -EAGAIN;
	if (len > fifo_space(&way->out))
		len = fifo_space(&way->out);
	if (!len)
		return 0;
	len = fifo_put(&way->out, bytes, draw_len(end, len));
	way_pump(way, 0);
	return (ssize_t)len;
}

/*
 * A hang-up is told when all that the other side wrote was read. Who only writes learns of it
 * before that, by a write that answers -EPIPE.
 */
static unsigned events_of(const struct wire_end *end)
{
	unsigned events = 0;
	bool over = end->error || end->ended;
	if (end->told_gone)
		return 0;
	if (end->in.len || over)
		events |= STREAM_CAN_READ;
	if (end->connected && (end_is_mute(end) || fifo_space(&way_from(end)->out)))
		events |= STREAM_CAN_WRITE;
	events &= end->wanted;
	if (over && !end->in.len)
		events |= STREAM_GONE;
	return events;
}

void end_notify(struct wire_end *end)
{
	if (!end->stream || end->event || !events_of(end))
		return;
	end->event = event_push(end->wire->sim, end->node, EVENT_READY, 0, end);
}

void ready_event(struct sim *sim, struct sim_node *node, void *what)
{
	struct wire_end *end = what;
	struct wire *wire = end->wire;
	(void)node;
	end->event = 0;
	unsigned events = events_of(end);
	trace_fold(sim, wire->id << 8 | events);
	if (!events)
		return;
	end->told_gone = events & STREAM_GONE;
	wire->pinned = true;
	if (end->stream->base.on_event)
		end->stream->base.on_event(&end->stream->base, events);
	wire->pinned = false;
	end_notify(end);
	wire_check(wire);
}

static void node_stream_want(struct stream *stream, unsigned events)
{
	struct wire_end *end = of(stream);
	end->wanted = events;
	if (node_alive(end->node))
		end_notify(end);
}

static int node_stream_peer(struct stream *stream, struct peer *ret_peer)
{
	if (!of(stream)->wire->local)
		return -ENOTSUP;
	*ret_peer = (struct peer){.uid = 0, .gid = 0, .pid = 1};
	return 0;
}

/* Orderly: what was written goes out, then the news of the end. */
static void end_close(struct wire_end *end)
{
	struct wire_way *way = way_from(end);
	end->closed = true;
	end->in.len = 0;
	way->to_end = !end_is_mute(end);
	way_pump(way, 0);
	way_tell_space(way_from(end_across(end))); /* its next burst learns that nobody hears it */
}

static void end_drop_stream(struct wire_end *end)
{
	free(end->stream);
	end->stream = NULL;
	/* The events of a node that died are dropped with it. */
	if (end->event && node_alive(end->node))
		event_cancel(end->wire->sim, end->event);
	end->event = 0;
}

void end_die(struct wire_end *end)
{
	end_drop_stream(end);
	if (end->closed || end->silent)
		return;
	if (end->node->end != END_CRASH) {
		end_close(end);
		return;
	}
	end->silent = true;
	end->in.len = 0;
	way_tell_space(way_from(end_across(end))); /* or the other side would never ask again */
}

static void node_stream_close(struct stream *stream)
{
	struct wire_end *end = of(stream);
	if (node_alive(end->node)) {
		end_drop_stream(end);
		end_close(end);
	} else {
		end_die(end);
	}
	wire_check(end->wire);
}

static const struct stream_ops node_stream_ops = {
	.read = node_stream_read,
	.write = node_stream_write,
	.want = node_stream_want,
	.peer = node_stream_peer,
	.close = node_stream_close,
};

int end_give(struct wire_end *end, struct stream **ret_stream)
{
	struct node_stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->base.ops = &node_stream_ops;
	stream->end = end;
	end->stream = stream;
	*ret_stream = &stream->base;
	return 0;
}
