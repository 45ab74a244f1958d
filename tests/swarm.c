/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole nodes in one simulated world, first under faults for some virtual days, then left in peace,
 * and asked all the time. Without arguments a TAP test of a few seeds; with them a longer search:
 *
 *     swarm --seeds N [--from K] [--days D]
 *
 * runs N seeds from K (1) on, each for D (2) virtual days, prints for each seed that fails what was
 * broken and the command that repeats it, and at the end what happened and how fast.
 *
 * What must hold:
 *   1. a node's boot numbers strictly increase, over every kind of end
 *   2. its identity never changes once it has started
 *   3. it starts again after every crash, unless a fault hits it while it starts
 *   4. what it says of its previous end is true
 *   5. a reply tells the identity and a boot of the node that was asked
 *   6. in peace every node answers within SWARM_PEACE_NS and is not degraded
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/container.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "conf/conf.h"
#include "node/node.h"
#include "os/loop.h"
#include "os/world.h"
#include "sim/disk.h"
#include "sim/fault.h"
#include "sim/net.h"
#include "sim/sim.h"
#include "talk/client.h"

enum { SWARM_RULES = 16 };
#define SWARM_PEACE_NS (2 * NS_PER_MIN)

struct swarm_report {
	bool violated;
	char violation[512];
	uint64_t trace, events;
	int64_t node_ns; /* virtual time, summed over the nodes */
	/* what happened: a swarm in which nothing does tests nothing */
	uint64_t starts, refused_starts, crashes, kills, stops, degraded, replies, failures;
	uint64_t hits[SWARM_RULES];
};

enum { MEMBERS_MAX = 4, ADDRESS = 32, ID = 33 };

struct member {
	struct swarm *swarm;
	struct sim_node *sim_node;
	struct node *node; /* NULL: does not run */
	char address[ADDRESS];
	struct conf conf;
	struct timer stop;          /* of the script: the program ends in order */
	uint64_t boot;              /* of the last successful start */
	char id[ID];                /* "": never started */
	const char *previous_close; /* what the next start must say; NULL: either is true */
	bool small_disk;
	/* the client's */
	struct talk_ask *ask;
	uint64_t boot_at_ask;
	bool answered_in_peace;
};

struct swarm {
	struct sim *sim;
	struct rng *rng;
	struct sim_node *client;
	struct timer act, question; /* of the script */
	struct member members[MEMBERS_MAX];
	size_t count;
	bool peace;
	struct swarm_report *report;
};

static const struct fault rules[SWARM_RULES] = {
	{.label = "disk: write fails",
		.point = FAULT_DISK,
		.op = SIM_WRITE,
		.effect = FAULT_FAIL,
		.value = -EIO,
		.per_million = 10000},
	{.label = "disk: full at a write",
		.point = FAULT_DISK,
		.op = SIM_WRITE,
		.effect = FAULT_FAIL,
		.value = -ENOSPC,
		.per_million = 10000},
	{.label = "disk: short write",
		.point = FAULT_DISK,
		.op = SIM_WRITE,
		.effect = FAULT_SHORT,
		.value = 7,
		.per_million = 100000},
	{.label = "disk: short read",
		.point = FAULT_DISK,
		.op = SIM_READ,
		.effect = FAULT_SHORT,
		.value = 5,
		.per_million = 100000},
	{.label = "disk: read fails",
		.point = FAULT_DISK,
		.op = SIM_READ,
		.effect = FAULT_FAIL,
		.value = -EIO,
		.per_million = 5000},
	{.label = "disk: sync fails",
		.point = FAULT_DISK,
		.op = SIM_SYNC,
		.effect = FAULT_FAIL,
		.value = -EIO,
		.per_million = 20000},
	{.label = "disk: folder sync fails",
		.point = FAULT_DISK,
		.op = SIM_SYNC_DIR,
		.effect = FAULT_FAIL,
		.value = -EIO,
		.per_million = 20000},
	{.label = "disk: power fails",
		.point = FAULT_DISK,
		.op = FAULT_ANY_OP,
		.effect = FAULT_CRASH,
		.per_million = 10000},
	{.label = "disk: killed",
		.point = FAULT_DISK,
		.op = FAULT_ANY_OP,
		.effect = FAULT_KILL,
		.per_million = 5000},
	{.label = "clock: forward",
		.point = FAULT_TIMER,
		.effect = FAULT_JUMP,
		.value = 3 * NS_PER_HOUR,
		.per_million = 200},
	{.label = "clock: back",
		.point = FAULT_TIMER,
		.effect = FAULT_JUMP,
		.value = -3 * NS_PER_HOUR,
		.per_million = 200},
	{.label = "node: pause",
		.point = FAULT_TIMER,
		.node = "n*",
		.effect = FAULT_PAUSE,
		.value = 40 * NS_PER_SEC,
		.per_million = 500},
	{.label = "net: burst lost",
		.point = FAULT_SEND,
		.effect = FAULT_LOSE,
		.per_million = 20000},
	{.label = "net: burst late",
		.point = FAULT_SEND,
		.effect = FAULT_DELAY,
		.value = 7 * NS_PER_SEC,
		.per_million = 10000},
	{.label = "net: reset",
		.point = FAULT_SEND,
		.effect = FAULT_FAIL,
		.value = -ECONNRESET,
		.per_million = 5000},
	{.label = "net: no descriptors",
		.point = FAULT_CONNECT,
		.effect = FAULT_FAIL,
		.value = -EMFILE,
		.per_million = 10000},
};

__attribute__((format(printf, 2, 3))) static void violate(
	struct member *member, const char *fmt, ...)
{
	struct swarm *swarm = member->swarm;
	struct swarm_report *report = swarm->report;
	if (report->violated)
		return;
	report->violated = true;
	int len = snprintf(report->violation, sizeof(report->violation),
		"%s after %.3f s: ", sim_node_name(member->sim_node),
		(double)sim_now(swarm->sim) / 1e9);
	va_list args;
	va_start(args, fmt);
	vsnprintf(report->violation + len, sizeof(report->violation) - (size_t)len, fmt, args);
	va_end(args);
	loop_stop(sim_script(swarm->sim));
}

static int64_t draw_ns(struct swarm *swarm, int64_t below_ns)
{
	return 1 + (int64_t)rng_below(swarm->rng, (uint64_t)below_ns);
}

static uint64_t all_hits(const struct swarm *swarm)
{
	uint64_t hits = 0;
	for (size_t i = 0; i < SWARM_RULES; i++)
		hits += fault_hits(swarm->sim, i);
	return hits;
}

/* What the node asks of its program. */

static int on_reload(void *arg, struct why *why)
{
	struct member *member = arg;
	struct conf conf = member->conf;
	conf.loop_tick_ns = (5 + (int64_t)rng_below(member->swarm->rng, 10)) * NS_PER_SEC;
	const struct node_config config = {
		.conf = &conf, .path = "", .hash = (uint64_t)conf.loop_tick_ns};
	return node_reload(member->node, &config, why);
}

static void on_stop_wanted(void *arg)
{
	struct member *member = arg;
	struct sim *sim = member->swarm->sim;
	timer_set(sim_script(sim), &member->stop, sim_now(sim) + NS_PER_MS);
}

static void on_degraded(void *arg, const char *reason)
{
	struct member *member = arg;
	must(reason[0]);
	member->swarm->report->degraded++;
}

/* Lives. */

/* 0: all that it wants. */
static void give_space(struct member *member, uint64_t bytes)
{
	member->small_disk = bytes > 0;
	sim_disk_set_capacity(sim_node_disk(member->sim_node), bytes);
}

static void check_start(struct member *member)
{
	struct node_facts facts = node_facts(member->node);
	if (facts.boot <= member->boot)
		violate(member, "boot %llu follows boot %llu", (unsigned long long)facts.boot,
			(unsigned long long)member->boot);
	if (member->id[0] && strcmp(member->id, facts.id) != 0)
		violate(member, "it was %s and is now %s", member->id, facts.id);
	if (member->previous_close && strcmp(member->previous_close, facts.previous_close) != 0)
		violate(member, "says that its previous end was %s; it was %s",
			facts.previous_close, member->previous_close);
	member->boot = facts.boot;
	snprintf(member->id, ID, "%s", facts.id);
	member->previous_close = "lost"; /* unless it ends in order */
}

static void start(struct member *member)
{
	struct swarm *swarm = member->swarm;
	uint64_t hits = all_hits(swarm);
	struct why why = {""};
	const struct node_options options = {
		.version = "0.1.0",
		.address = member->address,
		.arg = member,
		.reload = on_reload,
		.stop = on_stop_wanted,
		.on_degraded = on_degraded,
	};
	const struct node_config config = {.conf = &member->conf, .path = "", .hash = 1};
	int err = node_start(
		sim_node_world(member->sim_node), &options, &config, &member->node, &why);
	if (!err) {
		swarm->report->starts++;
		check_start(member);
		return;
	}
	swarm->report->refused_starts++;
	member->previous_close = NULL; /* the boot that failed may stand in the log, or not */
	if (all_hits(swarm) == hits && !member->small_disk)
		violate(member, "does not start although nothing fails: %s", why.text);
	sim_node_kill(member->sim_node); /* its program ends */
}

static void on_death(void *arg, struct sim_node *node)
{
	struct member *member = arg;
	(void)node;
	timer_cancel(sim_script(member->swarm->sim), &member->stop);
	if (member->node)
		node_stop(member->node, NULL); /* its world is inert: only memory is freed */
	member->node = NULL;
}

static void end_in_order(struct timer *timer)
{
	struct member *member = container_of(timer, struct member, stop);
	struct node *node = member->node;
	if (!node || !sim_node_up(member->sim_node))
		return;
	member->node = NULL;
	int err = node_stop(node, NULL);
	/* A record whose sync failed may be read again, until a crash takes it away. */
	member->previous_close = err ? NULL : "orderly";
	member->swarm->report->stops++;
	sim_node_kill(member->sim_node);
}

static void bring_up(struct member *member)
{
	if (rng_below(member->swarm->rng, 3) == 0) /* somebody has made room */
		give_space(member, 0);
	must(sim_node_restart(member->sim_node) == 0);
	start(member);
}

/* The client. */

static void check_reply(struct member *member, const struct talk_reply *reply)
{
	const char *id = json_string_value(json_object_get(reply->doc, "id"));
	json_int_t boot = json_integer_value(json_object_get(reply->doc, "boot"));
	if (!id || strcmp(id, member->id) != 0)
		violate(member, "answers as %s instead of %s", id ? id : "nobody", member->id);
	if ((uint64_t)boot < member->boot_at_ask || (uint64_t)boot > member->boot)
		violate(member, "answers from boot %lld, not %llu to %llu", (long long)boot,
			(unsigned long long)member->boot_at_ask, (unsigned long long)member->boot);
	if (member->swarm->peace && json_is_null(json_object_get(reply->doc, "degraded")))
		member->answered_in_peace = true;
}

static void on_answer(void *arg, const struct talk_answer *answer)
{
	struct member *member = arg;
	struct swarm *swarm = member->swarm;
	member->ask = NULL;
	sim_note(swarm->sim, (uint64_t)answer->err);
	if (answer->err) {
		swarm->report->failures++;
		return;
	}
	swarm->report->replies++;
	for (const char *c = answer->line; *c; c++)
		sim_note(swarm->sim, (uint64_t)*c);
	const char *type = json_string_value(json_object_get(answer->reply->doc, "type"));
	if (answer->reply->ok && type && strcmp(type, "status") == 0)
		check_reply(member, answer->reply);
}

static const char *draw_verb(struct swarm *swarm)
{
	static const char *const verbs[] = {"ping", "reload", "stop", "help", "nonsense"};
	uint64_t draw = rng_below(swarm->rng, 20);
	return swarm->peace || draw >= 5 ? "status" : verbs[draw];
}

static void ask(struct member *member)
{
	struct swarm *swarm = member->swarm;
	struct why why;
	const char *verb = draw_verb(swarm);
	const struct talk_question question = {
		.address = member->address,
		.words = &verb,
		.word_count = 1,
		.timeout_ns = 20 * NS_PER_SEC,
		.on_answer = on_answer,
		.arg = member,
	};
	if (member->ask)
		return;
	member->boot_at_ask = member->boot;
	must(talk_ask(sim_node_world(swarm->client), &question, &member->ask, &why) == 0);
}

static void on_question(struct timer *timer)
{
	struct swarm *swarm = container_of(timer, struct swarm, question);
	int64_t most_ns = swarm->peace ? 5 * NS_PER_SEC : 4 * NS_PER_MIN;
	for (size_t i = 0; i < swarm->count; i++)
		if (swarm->peace || rng_below(swarm->rng, 2))
			ask(&swarm->members[i]);
	timer_set(sim_script(swarm->sim), timer, sim_now(swarm->sim) + draw_ns(swarm, most_ns));
}

/* The script. */

static void change_weather(struct swarm *swarm, struct member *member)
{
	bool out = rng_below(swarm->rng, 2);
	struct sim_node *from = out ? member->sim_node : swarm->client;
	struct sim_node *to = out ? swarm->client : member->sim_node;
	struct sim_link *link = sim_net_link(from, to);
	switch (rng_below(swarm->rng, 4)) {
	case 0:
		link->cut = true; /* one way */
		break;
	case 1:
		sim_net_isolate(member->sim_node, true);
		break;
	case 2:
		link->delay_ns = draw_ns(swarm, NS_PER_SEC);
		link->jitter_ns = draw_ns(swarm, NS_PER_SEC);
		link->loss_per_million = (uint32_t)rng_below(swarm->rng, 200000);
		break;
	default:
		sim_net_heal(swarm->sim);
	}
}

static void harm(struct swarm *swarm, struct member *member)
{
	switch (rng_below(swarm->rng, 10)) {
	case 0:
		swarm->report->crashes++;
		sim_node_crash(member->sim_node);
		break;
	case 1:
		swarm->report->kills++;
		sim_node_kill(member->sim_node);
		break;
	case 2:
		end_in_order(&member->stop);
		break;
	case 3:
		sim_node_pause(member->sim_node, sim_now(swarm->sim) + draw_ns(swarm, NS_PER_HOUR));
		break;
	case 4:
		sim_node_jump(member->sim_node, draw_ns(swarm, 4 * NS_PER_DAY) - 2 * NS_PER_DAY);
		break;
	case 5:
		sim_node_drift(member->sim_node, (int32_t)rng_below(swarm->rng, 2001) - 1000);
		break;
	case 6:
		give_space(member, 1 + 512 * rng_below(swarm->rng, 60));
		break;
	default:
		change_weather(swarm, member);
	}
}

static void on_act(struct timer *timer)
{
	struct swarm *swarm = container_of(timer, struct swarm, act);
	struct member *member = &swarm->members[rng_below(swarm->rng, swarm->count)];
	if (sim_node_up(member->sim_node))
		harm(swarm, member);
	else
		bring_up(member);
	timer_set(sim_script(swarm->sim), timer,
		sim_now(swarm->sim) + draw_ns(swarm, 6 * NS_PER_MIN));
}

static void make_member(struct swarm *swarm, size_t i)
{
	static struct conf_errors errors;
	struct member *member = &swarm->members[i];
	char name[SIM_NAME];
	snprintf(name, sizeof(name), "n%zu", i);
	member->swarm = swarm;
	member->stop.fn = end_in_order;
	snprintf(member->address, ADDRESS, "sim:%s/control", name);
	must(conf_parse(NULL, 0, NULL, &member->conf, &errors) == 0);
	must(sim_node_new(swarm->sim, name, &member->sim_node) == 0);
	sim_node_on_death(member->sim_node, on_death, member);
	start(member);
}

/* Everything heals, and who does not run well is started anew. */
static void make_peace(struct swarm *swarm)
{
	swarm->peace = true;
	timer_cancel(sim_script(swarm->sim), &swarm->act);
	timer_set(sim_script(swarm->sim), &swarm->question, sim_now(swarm->sim));
	fault_stop_all(swarm->sim);
	sim_net_heal(swarm->sim);
	for (size_t i = 0; i < swarm->count; i++) {
		struct member *member = &swarm->members[i];
		talk_cancel(TAKE(member->ask)); /* it may be a "stop" */
		*sim_net_link(member->sim_node, swarm->client) = sim_link_default();
		*sim_net_link(swarm->client, member->sim_node) = sim_link_default();
		sim_node_crash(member->sim_node);
		give_space(member, 0);
		bring_up(member);
	}
}

static void check_peace(struct swarm *swarm)
{
	for (size_t i = 0; i < swarm->count; i++)
		if (!swarm->members[i].answered_in_peace)
			violate(&swarm->members[i], "has not answered in peace");
}

static void make_swarm(struct swarm *swarm, uint64_t seed)
{
	size_t number;
	swarm->sim = sim_new(seed);
	must(swarm->sim);
	swarm->rng = sim_rng(swarm->sim);
	swarm->act.fn = on_act;
	swarm->question.fn = on_question;
	for (size_t i = 0; i < SWARM_RULES; i++)
		must(fault_add(swarm->sim, &rules[i], &number) == 0);
	must(sim_node_new(swarm->sim, "client", &swarm->client) == 0);
	swarm->count = 1 + rng_below(swarm->rng, MEMBERS_MAX);
	for (size_t i = 0; i < swarm->count; i++)
		make_member(swarm, i);
	timer_set(sim_script(swarm->sim), &swarm->act, NS_PER_SEC);
	timer_set(sim_script(swarm->sim), &swarm->question, NS_PER_SEC);
}

static void swarm_run(uint64_t seed, int64_t duration_ns, struct swarm_report *ret_report)
{
	*ret_report = (struct swarm_report){0};
	struct swarm swarm = {.report = ret_report};
	make_swarm(&swarm, seed);
	if (!ret_report->violated)
		sim_run(swarm.sim, duration_ns);
	if (!ret_report->violated)
		make_peace(&swarm);
	if (!ret_report->violated)
		sim_run(swarm.sim, sim_now(swarm.sim) + SWARM_PEACE_NS);
	if (!ret_report->violated)
		check_peace(&swarm);
	for (size_t i = 0; i < swarm.count; i++)
		talk_cancel(TAKE(swarm.members[i].ask));
	for (size_t i = 0; i < SWARM_RULES; i++)
		ret_report->hits[i] = fault_hits(swarm.sim, i);
	ret_report->events = sim_events(swarm.sim);
	ret_report->trace = sim_trace(swarm.sim);
	ret_report->node_ns = sim_now(swarm.sim) * (int64_t)swarm.count;
	sim_free(swarm.sim);
}

static void add(struct swarm_report *sum, const struct swarm_report *one)
{
	sum->trace = hash_fold(sum->trace, one->trace);
	sum->events += one->events;
	sum->node_ns += one->node_ns;
	sum->starts += one->starts;
	sum->refused_starts += one->refused_starts;
	sum->crashes += one->crashes;
	sum->kills += one->kills;
	sum->stops += one->stops;
	sum->degraded += one->degraded;
	sum->replies += one->replies;
	sum->failures += one->failures;
	for (size_t i = 0; i < SWARM_RULES; i++)
		sum->hits[i] += one->hits[i];
}

TEST(nodes_survive_faults_and_answer_in_peace)
{
	uint64_t seed = test_seed();
	struct swarm_report sum = {0}, one;
	for (uint64_t i = 0; i < 4; i++) {
		swarm_run(seed + i, NS_PER_DAY, &one);
		if (one.violated)
			test_fail(__FILE__, __LINE__,
				"%s; repeat: swarm --seeds 1 --days 1 --from %" PRIu64,
				one.violation, seed + i);
		add(&sum, &one);
	}
	test_note("%" PRIu64 " starts, %" PRIu64 " refused, %" PRIu64 " replies, %" PRIu64
		  " events",
		sum.starts, sum.refused_starts, sum.replies, sum.events);
	CHECK(sum.starts > 50 && sum.replies > 200);
}

TEST(the_same_seed_is_the_same_story)
{
	uint64_t seed = test_seed();
	struct swarm_report one, two, other;
	swarm_run(seed, NS_PER_HOUR, &one);
	swarm_run(seed, NS_PER_HOUR, &two);
	swarm_run(seed + 1, NS_PER_HOUR, &other);
	CHECK(one.trace == two.trace && one.events == two.events);
	CHECK(one.trace != other.trace);
}

static double cpu_seconds(void)
{
	struct rusage usage;
	must(getrusage(RUSAGE_SELF, &usage) == 0);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void tell(const struct swarm_report *sum, uint64_t seeds, uint64_t failed)
{
	double seconds = cpu_seconds(), days = (double)sum->node_ns / (double)NS_PER_DAY;
	printf("%" PRIu64 " starts, %" PRIu64 " refused, %" PRIu64 " crashes, %" PRIu64
	       " kills, %" PRIu64 " orderly ends, %" PRIu64 " degraded\n",
		sum->starts, sum->refused_starts, sum->crashes, sum->kills, sum->stops,
		sum->degraded);
	printf("%" PRIu64 " replies, %" PRIu64 " conversations failed, %" PRIu64
	       " events, trace %016" PRIx64 "\n",
		sum->replies, sum->failures, sum->events, sum->trace);
	for (size_t i = 0; i < SWARM_RULES; i++)
		printf("%8" PRIu64 " times %s%s\n", sum->hits[i], rules[i].label,
			sum->hits[i] ? "" : ": TESTS NOTHING");
	printf("%.1f node days in %.1f CPU s: %.0f node days per CPU hour\n", days, seconds,
		days / seconds * 3600);
	printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", seeds - failed, failed);
}

static int search(const char *program, uint64_t seeds, uint64_t from, int64_t days)
{
	struct swarm_report sum = {0}, one;
	uint64_t failed = 0;
	for (uint64_t seed = from; seed < from + seeds; seed++) {
		swarm_run(seed, days * NS_PER_DAY, &one);
		add(&sum, &one);
		if (!one.violated)
			continue;
		failed++;
		printf("FAILED: seed %" PRIu64 ": %s\n", seed, one.violation);
		printf("    repeat: %s --seeds 1 --from %" PRIu64 " --days %" PRId64 "\n", program,
			seed, days);
	}
	tell(&sum, seeds, failed);
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	uint64_t values[3] = {0, 1, 2};
	static const char *const names[3] = {"--seeds", "--from", "--days"};
	if (argc < 2 || strncmp(argv[1], "--", 2) != 0)
		return test_main(argc, argv);
	for (int i = 1; i < argc; i += 2) {
		size_t which = 0;
		while (which < 3 && strcmp(argv[i], names[which]) != 0)
			which++;
		char *end = NULL;
		if (which < 3 && i + 1 < argc)
			values[which] = strtoull(argv[i + 1], &end, 10);
		if (!end || *end || end == argv[i + 1]) {
			fprintf(stderr, "usage: swarm [--seeds N [--from K] [--days D]]\n");
			return 2;
		}
	}
	return search(argv[0], values[0], values[1], (int64_t)values[2]);
}
