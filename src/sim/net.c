/* SPDX-License-Identifier: Apache-2.0 */
/* Who listens where, who connects to whom, and the weather between nodes. */
#include "sim/net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "sim/parts.h"
#include "sim/wire.h"

struct node_listener {
	struct listener base;
	struct node_net *net;
	struct node_listener *next, **at;
	char address[];
};

static struct node_net *of(struct net *net)
{
	return container_of(net, struct node_net, base);
}

static struct node_listener *find_listener(const struct sim_node *node, const char *address)
{
	struct node_listener *listener = node->net.listeners;
	while (listener && strcmp(listener->address, address))
		listener = listener->next;
	return listener;
}

bool node_listens(struct sim_node *node, const char *address)
{
	return find_listener(node, address);
}

static struct sim_node *find_node(const struct sim *sim, const char *name, size_t len)
{
	vec_each (node, &sim->nodes)
		if (!strncmp((*node)->name, name, len) && !(*node)->name[len])
			return *node;
	return NULL;
}

/* The node that an address names: "unix:PATH" this one, "sim:NODE/NAME" any. */
static int resolve(
	struct sim_node *self, const char *address, struct sim_node **ret_node, struct why *why)
{
	if (str_starts(address, "unix:") && address[5]) {
		*ret_node = self;
		return 0;
	}
	size_t len = str_starts(address, "sim:") ? strcspn(address + 4, "/") : 0;
	if (!len || len >= SIM_NAME || !address[4 + len] || !address[4 + len + 1])
		return why_set(why, -EINVAL, "%s: not unix:PATH or sim:NODE/NAME", address);
	struct sim_node *node = find_node(self->sim, address + 4, len);
	if (!node)
		return why_set(why, -ENOENT, "%s: there is no such node", address);
	*ret_node = node;
	return 0;
}

static void node_listener_close(struct listener *base)
{
	struct node_listener *listener = container_of(base, struct node_listener, base);
	*listener->at = listener->next;
	if (listener->next)
		listener->next->at = listener->at;
	free(listener);
}

static const struct listener_ops node_listener_ops = {.close = node_listener_close};

static int node_listen(
	struct net *base, const char *address, struct listener **ret_listener, struct why *why)
{
	struct node_net *net = of(base);
	struct sim_node *node;
	if (!node_alive(net->node))
		return why_set(why, -ENETDOWN, "%s: the node is down", address);
	int err = resolve(net->node, address, &node, why);
	if (err)
		return err;
	if (node != net->node)
		return why_set(why, -EADDRNOTAVAIL, "%s: another node's address", address);
	if (node_listens(node, address))
		return why_set(why, -EADDRINUSE, "%s: somebody listens there already", address);
	size_t len = strlen(address) + 1;
	struct node_listener *listener = calloc(1, sizeof(*listener) + len);
	if (!listener)
		return why_errno(why, -ENOMEM, "%s", address);
	listener->base.ops = &node_listener_ops;
	listener->net = net;
	memcpy(listener->address, address, len);
	listener->next = net->listeners;
	listener->at = &net->listeners;
	if (listener->next)
		listener->next->at = &listener->next;
	net->listeners = listener;
	*ret_listener = &listener->base;
	return 0;
}

static int may_connect(struct sim_node *node, const char *address, struct why *why)
{
	struct verdict verdict = fault_ask(node, FAULT_CONNECT, FAULT_ANY_OP, address);
	if (!node_alive(node))
		return why_set(why, -ENETDOWN, "%s: the node is down", address);
	if (verdict.effect == FAULT_FAIL)
		return why_errno(why, (int)verdict.value, "%s: cannot connect", address);
	return 0;
}

static int node_connect(
	struct net *base, const char *address, struct stream **ret_stream, struct why *why)
{
	struct sim_node *node = of(base)->node, *to = NULL;
	int err = may_connect(node, address, why);
	if (!err)
		err = resolve(node, address, &to, why);
	if (err)
		return err;
	bool local = to == node;
	if (local && !node_listens(node, address))
		return why_errno(why, -ECONNREFUSED, "%s: cannot connect", address);
	struct wire *wire = wire_new(node, to, address, local);
	if (!wire)
		return why_errno(why, -ENOMEM, "%s: cannot connect", address);
	err = end_give(&wire->ends[0], ret_stream);
	if (err) {
		wire_check(wire);
		return why_errno(why, err, "%s: cannot connect", address);
	}
	wire->ways[0].to_open = true;
	way_pump(&wire->ways[0], 0);
	return 0;
}

static const struct net_ops node_net_ops = {.listen = node_listen, .connect = node_connect};

/* The listener may be gone since the connection arrived. */
void accept_event(struct sim *sim, struct sim_node *node, void *what)
{
	struct wire *wire = what;
	struct wire_end *end = &wire->ends[1];
	struct node_listener *listener = find_listener(node, wire->address);
	struct stream *stream;
	end->event = 0;
	trace_fold(sim, wire->id);
	if (!listener || end_give(end, &stream)) {
		wire_reset(wire);
		wire_check(wire);
		return;
	}
	wire->pinned = true;
	listener->base.on_accept(&listener->base, stream);
	wire->pinned = false;
	end_notify(end);
	wire_check(wire);
}

void node_net_init(struct node_net *net, struct sim_node *node)
{
	*net = (struct node_net){.base.ops = &node_net_ops, .node = node};
}

struct sim_link sim_link_default(void)
{
	return (struct sim_link){
		.delay_ns = 200 * NS_PER_US,
		.jitter_ns = 100 * NS_PER_US,
		.bytes_per_sec = 125 * 1000 * 1000,
	};
}

int node_net_link_all(struct sim_node *node)
{
	size_t count = 2 * node->sim->nodes.len;
	if (!count)
		return 0;
	node->net.links = calloc(count, sizeof(*node->net.links));
	if (!node->net.links)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		node->net.links[i].rule = sim_link_default();
	return 0;
}

/* The younger of two nodes keeps both their links: to the other, and from it. */
struct node_link *node_net_link(const struct sim_node *from, const struct sim_node *to)
{
	must(from != to);
	if (from->number > to->number)
		return &from->net.links[2 * (to->number - 1)];
	return &to->net.links[2 * (from->number - 1) + 1];
}

struct sim_link *sim_net_link(struct sim_node *from, struct sim_node *to)
{
	return &node_net_link(from, to)->rule;
}

void sim_net_cut(struct sim_node *from, struct sim_node *to, bool cut)
{
	sim_net_link(from, to)->cut = cut;
}

void sim_net_isolate(struct sim_node *node, bool cut)
{
	vec_each (other, &node->sim->nodes) {
		if (*other == node)
			continue;
		sim_net_cut(node, *other, cut);
		sim_net_cut(*other, node, cut);
	}
}

void sim_net_heal(struct sim *sim)
{
	vec_each (node, &sim->nodes)
		sim_net_isolate(*node, false);
}

void sim_net_reset(struct sim_node *a, struct sim_node *b)
{
	for (struct wire *wire = a->sim->wires, *next; wire; wire = next) {
		struct sim_node *from = wire->ends[0].node, *to = wire->ends[1].node;
		next = wire->next;
		if ((from == a && to == b) || (from == b && to == a)) {
			wire_reset(wire);
			wire_check(wire);
		}
	}
}

void node_net_end_all(struct node_net *net)
{
	for (struct wire *wire = net->node->sim->wires, *next; wire; wire = next) {
		next = wire->next;
		for (int i = 0; i < 2; i++) {
			struct wire_end *end = &wire->ends[i];
			if (end->node == net->node && (end->stream || end->event))
				end_die(end);
		}
		wire_check(wire);
	}
	while (net->listeners)
		node_listener_close(&net->listeners->base);
}

void node_net_done(struct node_net *net)
{
	free(net->links);
}
