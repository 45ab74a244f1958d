/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state folder: what two lives in a row find, what is refused, and that no crash, no failing
 * disk and no failing allocation anywhere makes a boot number come twice or be lost.
 */
#include "node/state.h"

#include <errno.h>
#include <inttypes.h>

#include "base/must.h"
#include "base/own.h"
#include "base/test.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/disk.h"
#include "os/world.h"
#include "sim/alloc_fault.h"
#include "sim/disk.h"
#include "sim/explore.h"
#include "store/journal.h"
#include "store/whole.h"

/* A world of which only what the state folder uses is there. */
struct rig {
	struct sim_disk *sim;
	struct clock clock;
	struct dice dice;
	struct world world;
};

static int64_t read_clock(struct clock *clock)
{
	(void)clock;
	return 1000;
}

static void fill_dice(struct dice *dice, void *bytes, size_t len)
{
	(void)dice;
	memset(bytes, 7, len);
}

static void rig_init(struct rig *rig)
{
	static const struct clock_ops clock_ops = {read_clock, read_clock};
	static const struct dice_ops dice_ops = {fill_dice};
	*rig = (struct rig){.sim = sim_disk_new(), .clock = {&clock_ops}, .dice = {&dice_ops}};
	must(rig->sim);
	rig->world = (struct world){
		.clock = &rig->clock, .dice = &rig->dice, .disk = sim_disk_seam(rig->sim)};
}

static void rig_done(struct rig *rig)
{
	sim_disk_free(rig->sim);
}

static struct state must_open(struct rig *rig)
{
	struct state state;
	struct why why = {""};
	int err = state_open(&rig->world, "1.2.3", &state, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "state_open: %d %s", err, why.text);
	return state;
}

static void refuses(struct rig *rig, int wanted, const char *sentence)
{
	struct state state;
	struct why why = {""};
	int err = state_open(&rig->world, "1.2.3", &state, &why);
	CHECK_STR(why.text, sentence);
	CHECK_EQ(err, wanted);
}

TEST(lives_follow_each_other)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct state state = must_open(&rig);
	CHECK_EQ(state.before.boot, 0);
	CHECK_EQ(state.life.boot, 1);
	CHECK_STR(state.life.version, "1.2.3");
	CHECK_EQ(state.created_wall_ns, 1000);
	CHECK_EQ(state_config(&state, 77), 0);
	CHECK_EQ(state_close(&state, NULL), 0);

	state = must_open(&rig);
	CHECK_EQ(state.before.boot, 1);
	CHECK(state.before.closed);
	CHECK_EQ(state.life.boot, 2);
	CHECK_EQ(state.life.config, 77);
	state_drop(&state);

	state = must_open(&rig);
	CHECK_EQ(state.before.boot, 2);
	CHECK(!state.before.closed);
	CHECK_EQ(state.life.boot, 3);
	state_drop(&state);
}

TEST(a_config_accepted_again_is_not_recorded_again)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct state state = must_open(&rig);
	CHECK_EQ(state_config(&state, 77), 0);
	uint64_t sequence = journal_facts(state.log).sequence;
	CHECK_EQ(state_config(&state, 77), 0);
	CHECK_EQ(journal_facts(state.log).sequence, sequence);
	CHECK_EQ(state_config(&state, 78), 0);
	CHECK_EQ(journal_facts(state.log).sequence, sequence + 1);
	state_drop(&state);
}

TEST(two_programs_are_not_let_in)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct state state = must_open(&rig);
	refuses(&rig, -EWOULDBLOCK, "another ebbd is running on this state folder");
	state_drop(&state);
	state = must_open(&rig);
	CHECK_EQ(state.life.boot, 2);
	state_drop(&state);
}

TEST(a_lost_log_is_no_first_start)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct state state = must_open(&rig);
	state_close(&state, NULL);
	CHECK_EQ(disk_unlink(rig.world.disk, "node.log"), 0);
	refuses(&rig, -EBADMSG,
		"node.log is gone: without it boot numbers would begin anew; bring it back, or "
		"start with another state folder");
}

TEST(a_log_of_another_node_is_refused)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct state state = must_open(&rig);
	state_close(&state, NULL);
	CHECK_EQ(disk_unlink(rig.world.disk, "node.id"), 0);
	struct whole id = {.label = {.kind = "NODE", .version = 1, .identity = "somebody else 1"},
		.bytes = (uint8_t[16]){0},
		.len = 16};
	CHECK_EQ(whole_write(rig.world.disk, "node.id", &id, NULL), 0);
	struct why why = {""};
	CHECK_EQ(state_open(&rig.world, "1", &state, &why), -EBADMSG);
	CHECK(strstr(why.text, "node.log"));
}

TEST(a_flipped_bit_in_the_identity_is_found)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct state state = must_open(&rig);
	state_close(&state, NULL);
	CHECK_EQ(sim_disk_flip(rig.sim, "node.id", 70, 1), 0);
	struct why why = {""};
	CHECK_EQ(state_open(&rig.world, "1", &state, &why), -EBADMSG);
	CHECK(strstr(why.text, "node.id"));
}

TEST(records_that_cannot_be_are_refused)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct state state = must_open(&rig);
	uint8_t bytes[LIFE_RECORD];
	life_record_put(&(struct life_record){LIFE_BOOT, 0, 1, "1.2.3"}, bytes);
	CHECK_EQ(journal_append(state.log, LIFE_BOOT, bytes, LIFE_RECORD, NULL), 0);
	CHECK_EQ(journal_sync(state.log, NULL), 0);
	state_drop(&state);
	refuses(&rig, -EBADMSG, "node.log: record 2: boot 1 is recorded after boot 1");
}

/* Fails or counts syncs, as a test says. */
struct hook {
	int answer;
	unsigned syncs;
};

static int on_op(void *arg, enum sim_op op, const char *name, bool done)
{
	struct hook *hook = arg;
	(void)name;
	if (done || (op != SIM_SYNC && op != SIM_WRITE))
		return 0;
	hook->syncs += op == SIM_SYNC;
	return hook->answer;
}

TEST(after_the_first_failure_nothing_is_written)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct state state = must_open(&rig);
	struct hook hook = {.answer = -ENOSPC};
	sim_disk_set_hook(rig.sim, on_op, &hook);
	CHECK(state_config(&state, 5) != 0);
	CHECK(state.failed);
	CHECK_STR(state.failure.text, "node.log: cannot be written: No space left on device");
	hook = (struct hook){0};
	CHECK(state_config(&state, 6) != 0);
	CHECK_EQ(state_settle(&state), 0);
	struct why why = {""};
	CHECK(state_close(&state, &why) != 0);
	CHECK_STR(why.text, "node.log: cannot be written: No space left on device");
	CHECK_EQ(hook.syncs, 0);
	sim_disk_set_hook(rig.sim, NULL, NULL);
	state = must_open(&rig);
	CHECK(state.life.boot >= 2);
	CHECK(!state.before.closed);
	state_drop(&state);
}

/* The disk fills up with the record itself: what a journal writes behind it finds no room. */
static int full_after_sync(void *arg, enum sim_op op, const char *name, bool done)
{
	struct hook *hook = arg;
	(void)name;
	hook->syncs += op == SIM_SYNC && done;
	return !done && op == SIM_WRITE && hook->syncs ? -ENOSPC : 0;
}

TEST(a_log_that_stops_behind_a_record_is_told)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct state state = must_open(&rig);
	struct hook hook = {0};
	sim_disk_set_hook(rig.sim, full_after_sync, &hook);
	CHECK_EQ(state_config(&state, 5), 0);
	CHECK(state.failed);
	CHECK_STR(state.failure.text,
		"node.log: stopped: its mark cannot be written: No space left on device");
	CHECK(state_config(&state, 6) != 0);
	CHECK_EQ(hook.syncs, 1);
	state_drop(&state);
	sim_disk_set_hook(rig.sim, NULL, NULL);
	state = must_open(&rig);
	CHECK_EQ(state.life.config, 5);
	state_drop(&state);
}

TEST(the_log_is_rewritten_when_it_has_grown)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct state state = must_open(&rig);
	uint64_t rewrites = journal_facts(state.log).generation;
	for (uint64_t hash = 1; hash <= 3000; hash++) {
		CHECK_EQ(state_config(&state, hash), 0);
		CHECK_EQ(state_settle(&state), 0);
		CHECK(journal_facts(state.log).size <= STATE_LOG_BOUND);
	}
	CHECK(journal_facts(state.log).generation > rewrites);
	CHECK_EQ(state_close(&state, NULL), 0);
	state = must_open(&rig);
	CHECK_EQ(state.life.boot, 2);
	CHECK(state.before.closed);
	CHECK_EQ(state.life.config, 3000);
	state_drop(&state);
}

/* ---- the explorer: lives, each ended in order or not, on a disk that may fail or crash ---- */

struct model {
	uint64_t boot;        /* the last one that was acknowledged */
	bool closed, closing; /* the last boot was closed for sure, or perhaps */
	uint8_t identity[IDENTITY_SIZE];
	bool identified; /* somebody has seen the identity */
};

/* Opens and holds what is found against the model; updates the model. */
static int live(struct model *model, struct world *world, struct state *ret_state, struct why *why)
{
	int err = state_open(world, "1", ret_state, why);
	if (err)
		return err;
	const struct state *state = ret_state;
	if (state->life.boot <= model->boot || state->life.boot != state->before.boot + 1)
		err = why_set(why, -EPROTO, "boot %" PRIu64 " after %" PRIu64, state->life.boot,
			model->boot);
	else if (state->before.boot == model->boot && state->before.closed && !model->closing)
		err = why_set(why, -EPROTO, "a boot that was lost looks closed");
	else if (model->closed && state->before.boot == model->boot && !state->before.closed)
		err = why_set(why, -EPROTO, "a recorded close is lost");
	else if (model->identified && memcmp(model->identity, state->identity, IDENTITY_SIZE) != 0)
		err = why_set(why, -EPROTO, "the identity has changed");
	if (err) {
		state_drop(ret_state);
		return err;
	}
	model->boot = state->life.boot;
	model->closed = model->closing = false;
	model->identified = true;
	memcpy(model->identity, state->identity, IDENTITY_SIZE);
	return 0;
}

static int close_life(struct model *model, struct state *state, struct why *why)
{
	model->closing = true;
	int err = state_close(state, why);
	model->closed = !err;
	return err;
}

static int run_lives(void *arg, struct world *world, struct why *why)
{
	struct model *model = arg;
	struct state state;
	int err = live(model, world, &state, why);
	if (err)
		return err;
	err = state_config(&state, 5);
	int close_err = close_life(model, &state, why);
	if (err || close_err)
		return err ? err : close_err;
	err = live(model, world, &state, why);
	if (!err)
		state_drop(&state);
	return err;
}

/* On a copy of the model: the same state is tried on many disks. */
static int check_lives(void *arg, struct world *world, bool faulty, struct why *why)
{
	struct model model = *(const struct model *)arg;
	(void)faulty;
	struct state state;
	int err = live(&model, world, &state, why);
	if (err)
		return err;
	err = close_life(&model, &state, why);
	if (err)
		return err;
	err = live(&model, world, &state, why);
	if (!err)
		state_drop(&state);
	return err;
}

TEST(no_crash_and_no_fault_makes_a_boot_number_come_twice)
{
	const struct scenario scenario = {.name = "lives",
		.state_size = sizeof(struct model),
		.run = run_lives,
		.check = check_lives};
	const struct explore_options options = {.seed = test_seed(), .allocations = &alloc_faults};
	static struct explore_report report;
	int err = explore(&scenario, &options, &report);
	if (err)
		test_fail(__FILE__, __LINE__, "%s; repeat: %s", report.violation, report.repeat);
	test_note("%" PRIu64 " operations, %" PRIu64 " states (%" PRIu64 " crash points, %" PRIu64
		  " in full), %" PRIu64 " faults, %" PRIu64 " failed allocations",
		report.operations, report.states, report.crash_points, report.exhausted,
		report.faults, report.allocations);
	CHECK(report.states > 100);
}

TEST_MAIN
