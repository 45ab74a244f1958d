/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests over a node's disk. Each takes its own time, and has its effect either when it is
 * submitted or when it completes, as the seed says: both, and any order between requests, are what
 * os/aio.h allows.
 */
#include <errno.h>
#include <stdint.h>

#include "base/container.h"
#include "base/units.h"
#include "sim/parts.h"

enum { IN_FLIGHT_MAX = 256 };

#define NO_EFFECT_YET ((ssize_t)INT64_MIN) /* no errno and no count */

static const char *const names[] = {
	[AIO_READ] = "read", [AIO_WRITE] = "write", [AIO_SYNC] = "sync"};

static const struct {
	int64_t usual_ns, rare_ns;
} times[] = {
	[AIO_READ] = {200 * NS_PER_US, 20 * NS_PER_MS},
	[AIO_WRITE] = {100 * NS_PER_US, 20 * NS_PER_MS},
	[AIO_SYNC] = {2 * NS_PER_MS, 100 * NS_PER_MS},
};

static struct node_aio *of(struct aio *aio)
{
	return container_of(aio, struct node_aio, base);
}

static ssize_t take_effect(const struct aio_request *request)
{
	switch (request->kind) {
	case AIO_READ:
		return file_read_at(request->file, request->bytes, request->len, request->at);
	case AIO_WRITE:
		return file_write_at(request->file, request->bytes, request->len, request->at);
	case AIO_SYNC:
		return file_sync(request->file);
	}
	return -EINVAL;
}

static int node_submit(struct aio *base, struct aio_request *request)
{
	struct node_aio *aio = of(base);
	struct sim_node *node = aio->node;
	if (aio->in_flight == IN_FLIGHT_MAX)
		return -EAGAIN;
	struct verdict verdict = fault_ask(node, FAULT_AIO, FAULT_ANY_OP, names[request->kind]);
	if (!node_alive(node))
		return -EAGAIN;
	int64_t at_ns = node->sim->now_ns +
		draw_delay(&node->rng, times[request->kind].usual_ns, times[request->kind].rare_ns);
	if (verdict.effect == FAULT_DELAY)
		at_ns += verdict.value;
	request->result = NO_EFFECT_YET;
	if (verdict.effect == FAULT_FAIL)
		request->result = (ssize_t)verdict.value;
	else if (rng_below(&node->rng, 2))
		request->result = take_effect(request);
	if (!node_alive(node))
		return -EAGAIN;
	event_push(node->sim, node, EVENT_AIO, at_ns, request);
	aio->in_flight++;
	return 0;
}

/* Now and then it can be done at once, as the seed says. */
static ssize_t node_now(struct aio *base, struct aio_request *request)
{
	struct sim_node *node = of(base)->node;
	if (request->kind == AIO_SYNC || !node_alive(node) || rng_below(&node->rng, 2))
		return -EAGAIN;
	struct verdict verdict = fault_ask(node, FAULT_AIO, FAULT_ANY_OP, names[request->kind]);
	if (!node_alive(node) || verdict.effect == FAULT_DELAY)
		return -EAGAIN;
	return verdict.effect == FAULT_FAIL ? (ssize_t)verdict.value : take_effect(request);
}

void aio_event(struct sim *sim, struct sim_node *node, void *what)
{
	struct aio_request *request = what;
	node->aio.in_flight--;
	if (request->result == NO_EFFECT_YET)
		request->result = take_effect(request);
	trace_fold(sim, (uint64_t)request->result);
	if (node_alive(node))
		request->done(request, request->result);
}

static const char *node_aio_name(struct aio *base)
{
	(void)base;
	return "sim";
}

static const struct aio_ops node_aio_ops = {
	.submit = node_submit, .now = node_now, .name = node_aio_name};

void node_aio_init(struct node_aio *aio, struct sim_node *node)
{
	*aio = (struct node_aio){.base.ops = &node_aio_ops, .node = node};
}
