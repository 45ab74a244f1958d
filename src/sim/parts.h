/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the simulator share; nobody outside the room includes this.
 *
 * Each kind of event has one function that runs it. An event's tag holds the number of the node on
 * which it runs (0: none) and its kind, so that a node's death finds and drops all that was to run
 * on it.
 *
 * One thread.
 */
#ifndef EBB_SIM_PARTS_H
#define EBB_SIM_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/vec.h"
#include "os/aio.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/disk.h"
#include "os/host.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/procs.h"
#include "os/world.h"
#include "sim/fault.h"
#include "sim/host.h"
#include "sim/net.h"
#include "sim/procs.h"
#include "sim/queue.h"
#include "sim/sim.h"

struct node_file;
struct node_listener;
struct node_proc;
struct wire;

enum event_kind {
	EVENT_TIMER,     /* struct timer */
	EVENT_TASK_WORK, /* struct task */
	EVENT_TASK_DONE, /* struct task */
	EVENT_AIO,       /* struct aio_request */
	EVENT_PROC,      /* struct node_proc: its program ends */
	EVENT_ACCEPT,    /* struct wire: the listener's owner gets its stream */
	EVENT_READY,     /* struct wire_end: its owner is told what it can do */
	EVENT_WIRE,      /* struct wire_way: the next step of its burst; on no node */
	EVENT_KINDS
};

/* A loop turns once in this time: the least delay of what is due at once. */
enum { TURN_NS = 1000 };

/* The dice that are drawn from a sim's seed, so that a draw more of one kind shifts no other. */
enum dice_use { USE_SCRIPT, USE_WEATHER, USE_FAULTS, USE_NODE, USE_NODE_DICE, USE_HOST };

struct sim_loop {
	struct loop base;
	struct sim *sim;
	struct sim_node *node; /* NULL: the script's */
	uint64_t order;
	unsigned tasks;
	bool stopped;
};

/* Both clocks count on from one moment, at one rate. */
struct node_clock {
	struct clock base;
	struct sim *sim;
	int64_t since_ns, mono_ns, wall_ns;
	int32_t ppm;
};

struct node_dice {
	struct dice base;
	struct rng rng;
};

/* The seam in front of the node's sim_disk: knows what is open, and is inert when it has died. */
struct node_disk {
	struct disk base;
	struct sim_node *node;
	struct node_file *files;
	int answer; /* what the fault rules say of the operation under way */
};

struct node_aio {
	struct aio base;
	struct sim_node *node;
	unsigned in_flight;
};

struct node_link {
	struct sim_link rule;
	int64_t free_ns; /* when the bytes that wait for bandwidth are through */
};

struct node_net {
	struct net base;
	struct sim_node *node;
	struct node_listener *listeners;
	struct node_link *links; /* to and from each older node, by number */
};

struct node_procs {
	struct procs base;
	struct sim_node *node;
	struct node_proc *procs;
	pid_t next_pid;
};

enum { HOST_LOADS = 1 + HOST_NICS + HOST_DISKS };

struct node_host {
	struct host base;
	struct sim_node *node;
	struct sim_host_script script;
	uint64_t seed;
	int64_t summed_ns; /* boot, or the last whole hour: up to here the sums go */
	uint64_t boot_ns;
	uint64_t sums[HOST_LOADS];
};

enum node_state {
	NODE_UP,
	NODE_DYING, /* inert, but its code is still on the stack */
	NODE_DOWN
};

enum node_end { END_NONE, END_KILL, END_CRASH };

struct sim_node {
	struct sim *sim;
	uint32_t number; /* from 1 */
	uint32_t life;
	char name[SIM_NAME];
	enum node_state state;
	enum node_end end; /* how it died, or is to die after the disk operation under way */
	int64_t paused_until_ns;
	sim_death_fn *on_death;
	void *on_death_arg;
	struct rng rng;
	struct sim_disk *stored;
	struct world world;
	struct node_clock clock;
	struct node_dice dice;
	struct sim_loop loop;
	struct node_disk disk;
	struct node_aio aio;
	struct node_net net;
	struct node_procs procs;
	struct node_host host;
};

struct fault_rule {
	struct fault fault;
	uint64_t matches, hits;
	bool stopped;
};

struct sim {
	uint64_t seed;
	int64_t now_ns;
	uint64_t events, trace;
	struct queue queue;
	struct rng rng, weather, chance;
	struct sim_loop script;
	struct sim_node *running; /* whose event it is */
	unsigned dying;
	VEC(struct sim_node *) nodes;
	VEC(struct fault_rule) rules;
	VEC(struct sim_program) programs;
	struct wire *wires;
	uint64_t wire_count;
};

/* sim.c */
void seed_rng(const struct sim *sim, struct rng *rng, enum dice_use use, uint64_t number);
void trace_fold(struct sim *sim, uint64_t value);

/* At `at_ns` or in the next turn; its handle. The simulator's own want of memory is not survived:
 * timer_set() could not report it. */
uint32_t event_push(struct sim *sim, const struct sim_node *node, enum event_kind kind,
	int64_t at_ns, void *what);
void event_cancel(struct sim *sim, uint32_t handle);

/* Most delays are short and some are long: up to `usual_ns`, once in 64 up to `rare_ns`. */
int64_t draw_delay(struct rng *rng, int64_t usual_ns, int64_t rare_ns);

/* node.c */
static inline bool node_alive(const struct sim_node *node)
{
	return node->state == NODE_UP;
}

/* Inert from now on; buried when its code has returned. */
void node_die(struct sim_node *node, enum node_end end);
void node_bury(struct sim_node *node);
void node_free(struct sim_node *node);

/* fault.c: what the rules say to this point. Effects that hit the node as a whole are done already;
 * fail, short, lose and delay are left to the caller. The effect is 0 when none hit. */
struct verdict {
	enum fault_effect effect;
	int64_t value;
};
struct verdict fault_ask(struct sim_node *node, enum fault_point point, int op, const char *name);

/* clock.c */
void node_clock_init(struct node_clock *clock, struct sim *sim);
void node_clock_set(struct node_clock *clock, int64_t mono_ns, int64_t wall_ns, int32_t ppm);
/* The first virtual time at which its monotonic time has come to `mono_ns`. */
int64_t node_clock_when(const struct node_clock *clock, int64_t mono_ns);

/* dice.c, loop.c, files.c, aio.c, procs.c, host.c: a part of a node's world */
void node_dice_init(struct node_dice *dice, const struct sim_node *node);
void sim_loop_init(struct sim_loop *loop, struct sim *sim, struct sim_node *node);
void node_disk_init(struct node_disk *disk, struct sim_node *node);
void node_disk_close_all(struct node_disk *disk);
void node_aio_init(struct node_aio *aio, struct sim_node *node);
void node_procs_init(struct node_procs *procs, struct sim_node *node);
void node_procs_end_all(struct node_procs *procs);
void node_host_init(struct node_host *host, struct sim_node *node);
void node_host_boot(struct node_host *host);

/* net.c */
void node_net_init(struct node_net *net, struct sim_node *node);
int node_net_link_all(struct sim_node *node); /* with all older ones: 0, -ENOMEM */
struct node_link *node_net_link(const struct sim_node *from, const struct sim_node *to);
void node_net_end_all(struct node_net *net);
void node_net_done(struct node_net *net);

/* wire.c */
void wires_free(struct sim *sim);

/* The functions of the events, by kind. */
void timer_event(struct sim *sim, struct sim_node *node, void *what);
void task_work_event(struct sim *sim, struct sim_node *node, void *what);
void task_done_event(struct sim *sim, struct sim_node *node, void *what);
void aio_event(struct sim *sim, struct sim_node *node, void *what);
void proc_event(struct sim *sim, struct sim_node *node, void *what);
void accept_event(struct sim *sim, struct sim_node *node, void *what);
void ready_event(struct sim *sim, struct sim_node *node, void *what);
void wire_event(struct sim *sim, struct sim_node *node, void *what);

#endif
