/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole nodes in the simulator: turns of the loop in virtual time, lives that end in every way,
 * reloads, failing disks, and what status says of it all.
 */
#include "node/node.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "base/must.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/units.h"
#include "base/vec.h"
#include "base/why.h"
#include "conf/conf.h"
#include "os/clock.h"
#include "os/world.h"
#include "sim/disk.h"
#include "sim/fault.h"
#include "sim/sim.h"
#include "talk/client.h"

/* One machine with one node, and what its program was asked for. */
struct machine {
	struct sim *sim;
	struct sim_node *sim_node;
	struct node *node;
	const char *address;
	struct conf conf;
	uint64_t hash;
	int stops, degraded;
	VEC(int64_t) ticks; /* when they came, by the clock of the node */
};

static int on_reload(void *arg, struct why *why)
{
	struct machine *machine = arg;
	struct node_config config = {&machine->conf, "/etc/ebb/ebb.yaml", machine->hash};
	return node_reload(machine->node, &config, why);
}

static void on_stop(void *arg)
{
	struct machine *machine = arg;
	machine->stops++;
}

static void on_tick(void *arg)
{
	struct machine *machine = arg;
	struct clock *clock = sim_node_world(machine->sim_node)->clock;
	must(vec_push(&machine->ticks, clock_mono_ns(clock)) == 0);
}

static void on_degraded(void *arg, const char *reason)
{
	struct machine *machine = arg;
	must(reason[0]);
	machine->degraded++;
}

static int try_start(struct machine *machine, struct why *why)
{
	struct node_options options = {
		.version = "9.8.7",
		.address = machine->address,
		.arg = machine,
		.reload = on_reload,
		.stop = on_stop,
		.on_tick = on_tick,
		.on_degraded = on_degraded,
	};
	struct node_config config = {&machine->conf, "/etc/ebb/ebb.yaml", machine->hash};
	return node_start(
		sim_node_world(machine->sim_node), &options, &config, &machine->node, why);
}

static void start(struct machine *machine)
{
	struct why why = {""};
	int err = try_start(machine, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "node_start: %d %s", err, why.text);
}

static void on_death(void *arg, struct sim_node *sim_node)
{
	(void)sim_node;
	struct machine *machine = arg;
	if (machine->node)
		node_stop(TAKE(machine->node), NULL);
}

static void machine_init(struct machine *machine, struct sim *sim, const char *name)
{
	*machine = (struct machine){.sim = sim, .address = "unix:/run/ebbd.sock", .hash = 1};
	machine->conf = (struct conf){
		.node_name = "hut",
		.node_region = "alps",
		.state = "/state",
		.control_socket = "/run/ebbd.sock",
		.loop_tick_ns = 10 * NS_PER_SEC,
	};
	must(sim_node_new(sim, name, &machine->sim_node) == 0);
	sim_node_on_death(machine->sim_node, on_death, machine);
	sim_node_drift(machine->sim_node, 0);
}

static void machine_done(struct machine *machine)
{
	vec_done(&machine->ticks);
}

static void sim_free_own(struct sim **sim)
{
	sim_free(*sim);
}

#define ONE_MACHINE(machine, seed) \
	OWN(machine_done) struct machine machine; \
	OWN(sim_free_own) struct sim *sim = sim_new(seed); \
	must(sim); \
	machine_init(&machine, sim, "a")

/* Asks over the control address; gives the reply. */
static void keep_reply(void *arg, const struct talk_answer *answer)
{
	json_t **reply = arg;
	if (answer->err)
		test_note("%s", answer->why->text);
	else
		*reply = json_incref(answer->reply->doc);
}

static json_t *ask(struct machine *machine, const char *verb)
{
	json_t *reply = NULL;
	struct talk_ask *asked;
	struct talk_question question = {
		.address = machine->address,
		.words = &verb,
		.word_count = 1,
		.timeout_ns = NS_PER_SEC,
		.on_answer = keep_reply,
		.arg = &reply,
	};
	must(talk_ask(sim_node_world(machine->sim_node), &question, &asked, NULL) == 0);
	sim_run(machine->sim, sim_now(machine->sim) + 2 * NS_PER_SEC);
	CHECK(reply);
	return reply;
}

static void json_free(json_t **json)
{
	json_decref(*json);
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int64_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* When turn `i` came, after the first one, to the next millisecond. */
static int64_t tick_ms(const struct machine *machine, size_t i)
{
	return (machine->ticks.at[i] - machine->ticks.at[0] + NS_PER_MS / 2) / NS_PER_MS;
}

TEST(turns_lie_on_a_grid_and_do_not_drift)
{
	ONE_MACHINE(machine, 1);
	machine.conf.loop_tick_ns = NS_PER_SEC;
	sim_run(sim, 12345);
	start(&machine);
	sim_run(sim, 3 * NS_PER_HOUR);
	CHECK_EQ(machine.ticks.len, 3 * 3600);
	for (size_t i = 0; i < machine.ticks.len; i++)
		CHECK_EQ(tick_ms(&machine, i), (int64_t)i * 1000);
}

TEST(a_jump_of_the_wall_clock_changes_no_turn)
{
	ONE_MACHINE(machine, 2);
	start(&machine);
	for (int hour = 1; hour <= 10; hour++) {
		sim_node_jump(machine.sim_node, hour % 2 ? -30 * NS_PER_DAY : 40 * NS_PER_DAY);
		sim_run(sim, hour * NS_PER_HOUR + NS_PER_SEC);
		CHECK_EQ(machine.ticks.len, hour * 360 + 1);
	}
	OWN(json_free) json_t *status = ask(&machine, "status");
	CHECK_EQ(number_of(status, "ticks_skipped"), 0);
}

TEST(turns_missed_in_a_suspend_are_skipped)
{
	ONE_MACHINE(machine, 3);
	start(&machine);
	sim_run(sim, 15 * NS_PER_SEC);
	sim_node_pause(machine.sim_node, 57 * NS_PER_SEC);
	sim_run(sim, 75 * NS_PER_SEC);
	/* At 0, 10, then the one of 20 late at 57, then again 60, 70. */
	CHECK_EQ(machine.ticks.len, 5);
	CHECK_EQ(tick_ms(&machine, 2), 57 * 1000);
	CHECK_EQ(tick_ms(&machine, 3), 60 * 1000);
	OWN(json_free) json_t *status = ask(&machine, "status");
	CHECK_EQ(number_of(status, "ticks_skipped"), 3);
	CHECK_EQ(number_of(status, "ticks"), 5);
}

TEST(status_tells_all)
{
	ONE_MACHINE(machine, 4);
	start(&machine);
	machine.hash = 0xabc;
	OWN(json_free) json_t *first = ask(&machine, "status");
	CHECK(json_is_null(json_object_get(first, "host")));
	sim_run(sim, 12 * NS_PER_HOUR);
	OWN(json_free) json_t *status = ask(&machine, "status");
	CHECK_STR(text_of(status, "type"), "status");
	CHECK_STR(text_of(status, "version"), "9.8.7");
	CHECK_STR(text_of(status, "node"), "hut");
	CHECK_STR(text_of(status, "region"), "alps");
	CHECK_EQ(strlen(text_of(status, "id")), 32);
	CHECK_STR(text_of(status, "previous_close"), "none");
	CHECK_EQ(strlen(text_of(status, "started")), strlen("2024-01-01T00:00:00.000Z"));
	CHECK_EQ(number_of(status, "boot"), 1);
	double uptime = json_real_value(json_object_get(status, "uptime"));
	CHECK(uptime >= 12 * 3600 && uptime < 12 * 3600 + 1);
	json_t *config = json_object_get(status, "config");
	CHECK_STR(text_of(config, "path"), "/etc/ebb/ebb.yaml");
	CHECK_STR(text_of(config, "hash"), "0000000000000001");
	json_t *host = json_object_get(status, "host");
	double share = json_real_value(json_object_get(host, "cpu_share"));
	CHECK(share > 0 && share <= 1);
	CHECK(fabs(json_real_value(json_object_get(host, "span")) - 10) < 1e-6);
	json_t *disk = json_object_get(host, "busiest_disk");
	CHECK(strncmp(text_of(disk, "name"), "vd", 2) == 0);
	CHECK(json_real_value(json_object_get(disk, "busy_share")) > 0);
	CHECK(json_is_object(json_object_get(json_object_get(host, "pressure"), "io")));
	CHECK(json_is_null(json_object_get(status, "host_error")));
	CHECK(json_is_null(json_object_get(status, "degraded")));
}

TEST(verbs_reach_the_program)
{
	ONE_MACHINE(machine, 5);
	start(&machine);
	OWN(json_free) json_t *pong = ask(&machine, "ping");
	CHECK_STR(text_of(pong, "type"), "pong");
	CHECK_EQ(machine.stops, 0);
	OWN(json_free) json_t *stop = ask(&machine, "stop");
	CHECK(json_is_true(json_object_get(stop, "ok")));
	CHECK_EQ(machine.stops, 1);
}

TEST(a_reload_is_taken_whole_or_not_at_all)
{
	ONE_MACHINE(machine, 6);
	start(&machine);
	machine.hash = 0xabc;
	machine.conf.loop_tick_ns = NS_PER_MIN;
	snprintf(machine.conf.state, sizeof(machine.conf.state), "/elsewhere");
	OWN(json_free) json_t *refused = ask(&machine, "reload");
	CHECK_STR(text_of(refused, "error"),
		"state cannot change from /state to /elsewhere while ebbd runs: restart it");
	CHECK_EQ(number_of(refused, "code"), 1);
	snprintf(machine.conf.state, sizeof(machine.conf.state), "/state");
	snprintf(machine.conf.control_socket, sizeof(machine.conf.control_socket), "/other");
	OWN(json_free) json_t *again = ask(&machine, "reload");
	CHECK_STR(text_of(again, "error"),
		"control.socket cannot change from /run/ebbd.sock to /other while ebbd runs: "
		"restart it");
	sim_run(sim, 25 * NS_PER_SEC);
	CHECK_EQ(machine.ticks.len, 3);
	snprintf(
		machine.conf.control_socket, sizeof(machine.conf.control_socket), "/run/ebbd.sock");
	OWN(json_free) json_t *taken = ask(&machine, "reload");
	CHECK_STR(text_of(taken, "type"), "reload");
	sim_run(sim, 210 * NS_PER_SEC);
	CHECK_EQ(machine.ticks.len, 6);
	OWN(json_free) json_t *status = ask(&machine, "status");
	CHECK_STR(text_of(json_object_get(status, "config"), "hash"), "0000000000000abc");
	CHECK(fabs(json_real_value(json_object_get(status, "tick")) - 60) < 1e-6);
}

TEST(a_failed_sync_degrades_and_is_never_repeated)
{
	ONE_MACHINE(machine, 7);
	start(&machine);
	size_t rule;
	struct fault fault = {.label = "sync",
		.point = FAULT_DISK,
		.op = SIM_SYNC,
		.name = "node.log*",
		.count = 1,
		.effect = FAULT_FAIL,
		.value = -EIO};
	must(fault_add(sim, &fault, &rule) == 0);
	for (int i = 0; i < 5; i++) {
		machine.hash++;
		OWN(json_free) json_t *reply = ask(&machine, "reload");
		CHECK(json_is_true(json_object_get(reply, "ok")));
	}
	sim_run(sim, NS_PER_HOUR);
	CHECK_EQ(machine.degraded, 1);
	CHECK_EQ(fault_matches(sim, rule), 1);
	OWN(json_free) json_t *status = ask(&machine, "status");
	CHECK_STR(text_of(status, "degraded"), "node.log: sync failed: Input/output error");
	CHECK_STR(text_of(json_object_get(status, "config"), "hash"), "0000000000000006");
	struct why why = {""};
	CHECK(node_stop(TAKE(machine.node), &why) != 0);
	CHECK_STR(why.text, "node.log: sync failed: Input/output error");
	start(&machine);
	CHECK_STR(node_facts(machine.node).previous_close, "lost");
	CHECK_EQ(node_facts(machine.node).boot, 2);
}

TEST(a_second_one_on_the_folder_is_refused)
{
	ONE_MACHINE(machine, 8);
	start(&machine);
	struct machine second = machine;
	struct why why = {""};
	second.address = "unix:/run/other.sock";
	CHECK_EQ(try_start(&second, &why), -EWOULDBLOCK);
	CHECK_STR(why.text, "another ebbd is running on this state folder");
	CHECK_EQ(node_stop(TAKE(machine.node), NULL), 0);
}

TEST(a_start_that_cannot_listen_ends_in_order)
{
	ONE_MACHINE(machine, 9);
	struct why why = {""};
	machine.address = "tcp:nowhere";
	CHECK(try_start(&machine, &why) != 0);
	CHECK(why.text[0]);
	machine.address = "unix:/run/ebbd.sock";
	start(&machine);
	CHECK_STR(node_facts(machine.node).previous_close, "orderly");
}

TEST(two_nodes_live_beside_each_other)
{
	OWN(machine_done) struct machine a;
	OWN(machine_done) struct machine b;
	OWN(sim_free_own) struct sim *sim = sim_new(10);
	machine_init(&a, sim, "a");
	machine_init(&b, sim, "b");
	b.conf.loop_tick_ns = NS_PER_SEC;
	start(&a);
	start(&b);
	sim_run(sim, NS_PER_MIN);
	CHECK_EQ(a.ticks.len, 7);
	CHECK_EQ(b.ticks.len, 61);
	CHECK(strcmp(node_facts(a.node).id, node_facts(b.node).id) != 0);
}

/* How a life ends, drawn from the seed. True: in order. */
static bool end_life(struct machine *machine, struct rng *rng)
{
	switch (rng_below(rng, 3)) {
	case 0:
		sim_node_kill(machine->sim_node);
		break;
	case 1:
		sim_node_crash(machine->sim_node);
		break;
	default:
		CHECK_EQ(node_stop(TAKE(machine->node), NULL), 0);
		return true;
	}
	must(sim_node_restart(machine->sim_node) == 0);
	return false;
}

static uint64_t live_often(uint64_t seed)
{
	ONE_MACHINE(machine, seed);
	char id[33] = "";
	bool orderly = false;
	for (uint64_t boot = 1; boot <= 150; boot++) {
		start(&machine);
		struct node_facts facts = node_facts(machine.node);
		CHECK_EQ(facts.boot, boot);
		CHECK_STR(facts.previous_close, boot == 1 ? "none" : orderly ? "orderly" : "lost");
		CHECK(boot == 1 || strcmp(id, facts.id) == 0);
		memcpy(id, facts.id, sizeof(id));
		struct rng *rng = sim_rng(sim);
		for (uint64_t reloads = rng_below(rng, 4); reloads; reloads--) {
			machine.hash = rng_u64(rng) | 1;
			CHECK_EQ(on_reload(&machine, NULL), 0);
			sim_run(sim, sim_now(sim) + (int64_t)rng_below(rng, (uint64_t)NS_PER_MIN));
		}
		orderly = end_life(&machine, rng);
	}
	return sim_trace(sim);
}

TEST(lives_that_end_in_every_way_follow_each_other)
{
	uint64_t seed = test_seed();
	CHECK_EQ(live_often(seed), live_often(seed));
}

TEST_MAIN
