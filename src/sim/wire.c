/* SPDX-License-Identifier: Apache-2.0 */
/* Bursts on their way: lost, delayed, repeated, delivered once, acknowledged. */
#include "sim/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/units.h"
#include "sim/parts.h"

enum { HEADER_BYTES = 64 };

#define FIRST_RETRY_NS (200 * NS_PER_MS)
#define LOCAL_NS (5 * NS_PER_US)

size_t fifo_put(struct fifo *fifo, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	if (len > fifo_space(fifo))
		len = fifo_space(fifo);
	size_t at = (fifo->head + fifo->len) % SIM_NET_BUFFER;
	size_t first = len < SIM_NET_BUFFER - at ? len : SIM_NET_BUFFER - at;
	memcpy(fifo->bytes + at, from, first);
	memcpy(fifo->bytes, from + first, len - first);
	fifo->len += len;
	return len;
}

/* Drops what it takes when `bytes` is NULL. */
size_t fifo_get(struct fifo *fifo, void *bytes, size_t len)
{
	uint8_t *to = bytes;
	if (len > fifo->len)
		len = fifo->len;
	size_t first = SIM_NET_BUFFER - fifo->head;
	if (first > len)
		first = len;
	if (to) {
		memcpy(to, fifo->bytes + fifo->head, first);
		memcpy(to + first, fifo->bytes, len - first);
	}
	fifo->head = (fifo->head + len) % SIM_NET_BUFFER;
	fifo->len -= len;
	return len;
}

/* Copies: the sender keeps its bytes until they are acknowledged. */
static void fifo_copy(const struct fifo *from, struct fifo *to, size_t len)
{
	struct fifo walk = *from;
	while (len) {
		size_t run = SIM_NET_BUFFER - walk.head;
		if (run > len)
			run = len;
		must(fifo_put(to, walk.bytes + walk.head, run) == run);
		walk.head = (walk.head + run) % SIM_NET_BUFFER;
		len -= run;
	}
}

static struct wire_end *sender(const struct wire_way *way)
{
	return &way->wire->ends[way->side];
}

static struct wire_end *receiver(const struct wire_way *way)
{
	return &way->wire->ends[1 - way->side];
}

static struct node_link *link_of(const struct wire_way *way)
{
	return node_net_link(sender(way)->node, receiver(way)->node);
}

static struct node_link *link_back(const struct wire_way *way)
{
	return node_net_link(receiver(way)->node, sender(way)->node);
}

static void wire_free(struct wire *wire)
{
	for (int i = 0; i < 2; i++) {
		if (wire->ways[i].event)
			event_cancel(wire->sim, wire->ways[i].event);
		free(wire->ways[i].out.bytes);
		free(wire->ends[i].in.bytes);
	}
	*wire->at = wire->next;
	if (wire->next)
		wire->next->at = wire->at;
	free(wire->address);
	free(wire);
}

void wires_free(struct sim *sim)
{
	while (sim->wires) {
		must(!sim->wires->ends[0].stream && !sim->wires->ends[1].stream);
		wire_free(sim->wires);
	}
}

struct wire *wire_new(struct sim_node *from, struct sim_node *to, const char *address, bool local)
{
	struct sim *sim = from->sim;
	struct wire *wire = calloc(1, sizeof(*wire));
	if (!wire)
		return NULL;
	wire->sim = sim;
	wire->id = ++sim->wire_count;
	wire->local = local;
	wire->next = sim->wires;
	wire->at = &sim->wires;
	if (wire->next)
		wire->next->at = &wire->next;
	sim->wires = wire;
	bool memory = (wire->address = strdup(address)) != NULL;
	for (unsigned i = 0; i < 2; i++) {
		struct wire_end *end = &wire->ends[i];
		struct wire_way *way = &wire->ways[i];
		end->wire = way->wire = wire;
		end->node = i == 0 ? from : to;
		way->side = i;
		end->in.bytes = malloc(SIM_NET_BUFFER);
		way->out.bytes = malloc(SIM_NET_BUFFER);
		memory = memory && end->in.bytes && way->out.bytes;
	}
	if (memory)
		return wire;
	wire_free(wire);
	return NULL;
}

/* One who connected, wrote and closed is still announced to the listener. */
static bool still_opening(const struct wire *wire)
{
	return wire->ways[0].to_open && wire->ways[0].event && wire->ends[0].closed;
}

void wire_check(struct wire *wire)
{
	if (wire->pinned || wire->ends[0].stream || wire->ends[1].stream)
		return;
	if (wire->ends[1].event || still_opening(wire))
		return;
	wire_free(wire);
}

static void step_at(struct wire_way *way, enum way_step step, int64_t at_ns)
{
	must(!way->event);
	way->step = step;
	way->event = event_push(way->wire->sim, NULL, EVENT_WIRE, at_ns, way);
}

static int64_t jitter(struct sim *sim, int64_t most_ns)
{
	return (int64_t)rng_below(&sim->weather, (uint64_t)most_ns + 1);
}

/* For small things that nobody loses: acknowledgements, resets, news of space. */
static int64_t way_delay(const struct wire_way *way)
{
	struct sim *sim = way->wire->sim;
	if (way->wire->local)
		return LOCAL_NS + jitter(sim, LOCAL_NS);
	const struct sim_link *rule = &link_back(way)->rule;
	return rule->delay_ns + jitter(sim, rule->jitter_ns);
}

static bool drops(struct sim *sim, const struct sim_link *rule)
{
	return rule->cut ||
		(rule->loss_per_million && rng_chance(&sim->weather, rule->loss_per_million));
}

static bool lost_back(const struct wire_way *way)
{
	return !way->wire->local && drops(way->wire->sim, &link_back(way)->rule);
}

static void way_stop(struct wire_way *way)
{
	if (way->event)
		event_cancel(way->wire->sim, way->event);
	way->event = 0;
	way->step = WAY_IDLE;
	way->to_open = way->to_end = way->sending = false;
	way->burst = 0;
	way->out.len = 0;
}

void end_fail(struct wire_end *end, int error)
{
	if (end->error)
		return;
	end->error = error;
	way_stop(way_from(end));
	end_notify(end);
}

void wire_reset(struct wire *wire)
{
	end_fail(&wire->ends[0], -ECONNRESET);
	end_fail(&wire->ends[1], -ECONNRESET);
}

static bool has_work(const struct wire_way *way)
{
	if (way->sending || way->to_open)
		return true;
	if (way->out.len)
		return fifo_space(&receiver(way)->in) > 0;
	return way->to_end;
}

void way_pump(struct wire_way *way, int64_t delay_ns)
{
	const struct wire_end *end = sender(way);
	if (way->event || end->silent || end->error || end->unheard || !has_work(way))
		return;
	step_at(way, WAY_SEND, way->wire->sim->now_ns + delay_ns);
}

void way_tell_space(struct wire_way *way)
{
	if (!way->event && has_work(way))
		way_pump(way, lost_back(way) ? FIRST_RETRY_NS : way_delay(way));
}

static void retry(struct wire_way *way)
{
	if (++way->tries == SIM_NET_TRIES)
		end_fail(sender(way), -ETIMEDOUT);
	else
		step_at(way, WAY_SEND,
			way->wire->sim->now_ns + (FIRST_RETRY_NS << (way->tries - 1)));
}

/* The receiver's machine says that nobody is there; the sender may never hear of it. */
static void reset_back(struct wire_way *way, int error)
{
	if (lost_back(way)) {
		retry(way);
		return;
	}
	way->reset = error;
	step_at(way, WAY_RESET, way->wire->sim->now_ns + way_delay(way));
}

/* Within a node the news of a close never overtakes what was written before it. */
static void on_reset(struct wire_way *way)
{
	struct wire_end *from = sender(way);
	if (!way->wire->local || !receiver(way)->closed) {
		end_fail(from, way->reset);
		return;
	}
	from->unheard = true;
	way_stop(way);
	end_notify(from);
}

/* What goes with this burst: words alone open, bytes follow, the last ones carry the end. */
static void make_burst(struct wire_way *way)
{
	struct rng *rng = &way->wire->sim->weather;
	size_t len = fifo_space(&receiver(way)->in);
	if (len > way->out.len)
		len = way->out.len;
	if (way->to_open)
		len = 0;
	else if (len > 1 && rng_below(rng, 4) == 0)
		len = 1 + rng_below(rng, len);
	way->sending = true;
	way->arrived = false;
	way->burst = len;
	way->burst_end = way->to_end && !way->to_open && len == way->out.len;
}

static int64_t arrival(const struct wire_way *way, int64_t extra_ns)
{
	struct sim *sim = way->wire->sim;
	int64_t at_ns = sim->now_ns + extra_ns;
	if (way->wire->local)
		return at_ns + LOCAL_NS + jitter(sim, LOCAL_NS);
	struct node_link *link = link_of(way);
	if (link->rule.bytes_per_sec) {
		if (link->free_ns > at_ns)
			at_ns = link->free_ns;
		at_ns += (int64_t)((way->burst + HEADER_BYTES) * (uint64_t)NS_PER_SEC /
			link->rule.bytes_per_sec);
		link->free_ns = at_ns;
	}
	return at_ns + link->rule.delay_ns + jitter(sim, link->rule.jitter_ns);
}

static void on_send(struct wire_way *way)
{
	struct wire *wire = way->wire;
	struct sim *sim = wire->sim;
	struct verdict verdict = {0};
	if (sender(way)->silent || !has_work(way))
		return;
	if (!way->sending)
		make_burst(way);
	if (!wire->local) {
		const struct sim_link *rule = &link_of(way)->rule;
		verdict = fault_ask(sender(way)->node, FAULT_SEND, FAULT_ANY_OP, wire->address);
		if (drops(sim, rule) || verdict.effect == FAULT_LOSE) {
			retry(way);
			return;
		}
		if (verdict.effect == FAULT_FAIL ||
			(rule->reset_per_million &&
				rng_chance(&sim->weather, rule->reset_per_million))) {
			wire_reset(wire);
			return;
		}
	}
	step_at(way, WAY_ARRIVE, arrival(way, verdict.effect == FAULT_DELAY ? verdict.value : 0));
}

/* What the receiver's machine does with a connection: gives it to the listener, or says no. */
static bool open_arrives(struct wire_way *way)
{
	struct wire_end *to = receiver(way);
	if (to->node->end == END_CRASH && !node_alive(to->node)) {
		retry(way);
		return false;
	}
	if (!node_alive(to->node) || !node_listens(to->node, way->wire->address)) {
		reset_back(way, -ECONNREFUSED);
		return false;
	}
	to->connected = true;
	to->event = event_push(way->wire->sim, to->node, EVENT_ACCEPT, 0, way->wire);
	return true;
}

/* False: there was nobody to deliver to, and that is dealt with. */
static bool deliver(struct wire_way *way)
{
	struct wire_end *to = receiver(way);
	if (way->arrived)
		return true;
	if (way->to_open)
		return open_arrives(way);
	if (to->silent && !node_alive(to->node)) {
		retry(way);
		return false;
	}
	if (to->silent || to->closed || to->error) {
		reset_back(way, -ECONNRESET);
		return false;
	}
	fifo_copy(&way->out, &to->in, way->burst);
	to->ended = way->burst_end;
	to->connected = true;
	end_notify(to);
	return true;
}

static void on_arrive(struct wire_way *way)
{
	if (!deliver(way))
		return;
	way->arrived = true;
	if (lost_back(way))
		retry(way);
	else
		step_at(way, WAY_ACK, way->wire->sim->now_ns + way_delay(way));
}

static void on_ack(struct wire_way *way)
{
	struct wire_end *from = sender(way);
	way->tries = 0;
	way->sending = way->arrived = false;
	if (way->to_open) {
		way->to_open = false;
		from->connected = true;
	}
	if (way->burst_end)
		way->to_end = way->burst_end = false;
	fifo_get(&way->out, NULL, way->burst);
	way->burst = 0;
	end_notify(from);
	way_pump(way, 0);
}

void wire_event(struct sim *sim, struct sim_node *node, void *what)
{
	struct wire_way *way = what;
	struct wire *wire = way->wire;
	(void)node;
	way->event = 0;
	trace_fold(sim, wire->id << 8 | way->side << 4 | way->step);
	trace_fold(sim, way->burst);
	must(way->step != WAY_IDLE);
	switch (way->step) {
	case WAY_SEND:
		on_send(way);
		break;
	case WAY_ARRIVE:
		on_arrive(way);
		break;
	case WAY_ACK:
		on_ack(way);
		break;
	case WAY_RESET:
		on_reset(way);
		break;
	case WAY_IDLE:
		break;
	}
	wire_check(wire);
}
