/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other world: several whole nodes in one process, in virtual time, with faults. Everything
 * that happens is drawn from one seed; the same seed and the same calls give the same trace hash
 * with any compiler at any optimisation.
 *
 * Time stands still while code runs and moves only from one event to the next. A node's code gets
 * its own `struct world`; the test around it (the *script*) has a loop of its own whose timers
 * belong to no node and survive every crash.
 *
 * A node dies in one of two ways: killed (its files keep what was written, its kernel says goodbye
 * to its peers) or crashed (unsynced changes are partly lost as sim/disk.h says, its peers hear
 * nothing). In both, all its timers, tasks, requests, streams and children vanish without a
 * callback. From that moment until the restart its world is *inert*: every call on it and on its
 * handles is allowed, changes nothing, and answers an error where one can be given. So on_death()
 * may free the node's objects by their ordinary functions. When on_death() has returned, the
 * handles (files, streams, listeners, children) that are left are freed by the simulator. A node
 * that dies inside its own callback is inert at once; the rest follows when the callback returns.
 *
 * One thread.
 */
#ifndef EBB_SIM_SIM_H
#define EBB_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct rng;
struct sim;
struct sim_disk;
struct sim_node;
struct world;

/* Wall time at virtual time 0: Monday 2024-01-01 00:00 UTC. */
#define SIM_WALL_START_NS (INT64_C(1704067200) * 1000000000)

enum { SIM_NODES = 255, SIM_NAME = 32 };

/* Gives a new world without nodes; NULL: no memory. */
struct sim *sim_new(uint64_t seed);

/* Takes every node with it: they die, on_death() is called. NULL is allowed. */
void sim_free(struct sim *sim);

int64_t sim_now(const struct sim *sim);

/* Events so far, and the hash over all of them. */
uint64_t sim_events(const struct sim *sim);
uint64_t sim_trace(const struct sim *sim);

/* Folds what a test has seen into the trace. */
void sim_note(struct sim *sim, uint64_t value);

/* The script's own dice and loop. loop_stop() on it makes sim_run() return after this event. */
struct rng *sim_rng(struct sim *sim);
struct loop *sim_script(struct sim *sim);

/* One event. False: none is left. */
bool sim_step(struct sim *sim);

/* All events up to and at `until_ns`, which is then the time. */
void sim_run(struct sim *sim, int64_t until_ns);

/*
 * Gives a running node with an empty disk, borrowed: the sim owns it. `name` is 1 to SIM_NAME - 1
 * of a-z, 0-9 and '-'. 0, -EEXIST, -EINVAL, -ENOSPC (SIM_NODES are there), -ENOMEM.
 */
int sim_node_new(struct sim *sim, const char *name, struct sim_node **ret_node);

const char *sim_node_name(const struct sim_node *node);
bool sim_node_up(const struct sim_node *node);

/* The same pointer through all of the node's lives; its parts are new after each restart. */
struct world *sim_node_world(struct sim_node *node);

/* What is on its disk now; another one after each crash. */
struct sim_disk *sim_node_disk(struct sim_node *node);

/* Called when the node dies, before its handles are freed. May not restart it. */
typedef void sim_death_fn(void *arg, struct sim_node *node);
void sim_node_on_death(struct sim_node *node, sim_death_fn *fn, void *arg);

/* A node that is down already is left as it is. */
void sim_node_kill(struct sim_node *node);
void sim_node_crash(struct sim_node *node);

/* Brings a dead node's world back; the script then starts its code. 0 or -ENOMEM. */
int sim_node_restart(struct sim_node *node);

/* Stops it from running until `until_ns`, as SIGSTOP or a paused machine does; time goes on. */
void sim_node_pause(struct sim_node *node, int64_t until_ns);

/* Whether its code has called loop_stop() in this life. */
bool sim_node_stopped(const struct sim_node *node);

/* Wall time jumps, by less than nothing too; monotonic time does not. */
void sim_node_jump(struct sim_node *node, int64_t by_ns);

/* From now on both clocks of the node gain `ppm` (-100000 .. 100000) millionths of true time. */
void sim_node_drift(struct sim_node *node, int32_t ppm);

#endif
