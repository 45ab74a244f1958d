/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The explorer against small programs that carry one mistake each: it must find every mistake, and
 * nothing in the same programs without it.
 */
#include "sim/explore.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/test.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/world.h"
#include "sim/alloc_fault.h"

enum mistake {
	CORRECT,
	/* of the log */
	NO_SYNC,
	SYNC_OF_ANOTHER,
	NO_DIR_SYNC,
	ACK_BEFORE_SYNC,
	TORN_ACCEPTED,
	TRUSTS_SIZE,
	RETRIES_SYNC,
	IGNORES_SHORT,
	DROPS_ON_ENOMEM,
	DROPS_ON_SECOND_ENOMEM,
	DROPS_ON_ENOSPC,
	DROPS_ON_SECOND_ENOSPC,
	CLEANS_UP_IN_PLACE,
	LEAVES_OPEN,
	RECOVERY_REWRITES,
	RECOVERY_SWALLOWS_EIO,
	/* of the replaced file */
	RENAME_BEFORE_SYNC,
	IN_PLACE,
	/* of the flagged file */
	ASSUMES_ORDER,
};

/* ---- A log of records that span sectors. ---- */

enum { RECORD = 600, RECORDS = 3 };

struct log_state {
	uint64_t begun, acked; /* records that may be there, and must */
};

static void make_record(uint8_t record[RECORD], uint64_t number)
{
	memset(record, (int)('a' + number), RECORD);
	put_le64(record, number);
	put_le64(record + RECORD - 8, hash64(record, RECORD - 8, 0));
}

static int rewrite(struct file *log, uint64_t count)
{
	uint8_t record[RECORD];
	int err = file_truncate(log, 0);
	for (uint64_t i = 0; !err && i < count; i++) {
		make_record(record, i);
		err = file_write_full(log, record, RECORD, i * RECORD);
	}
	return err ? err : file_sync(log);
}

static int write_record(
	struct file *log, const uint8_t record[RECORD], uint64_t number, enum mistake mistake)
{
	if (mistake == IGNORES_SHORT) {
		ssize_t n = file_write_at(log, record, RECORD, number * RECORD);
		return n < 0 ? (int)n : 0;
	}
	int err = file_write_full(log, record, RECORD, number * RECORD);
	if (err == -ENOSPC && mistake == DROPS_ON_ENOSPC)
		return 0;
	if (err == -ENOSPC && mistake == DROPS_ON_SECOND_ENOSPC)
		return file_write_full(log, record, RECORD, number * RECORD), 0;
	if (err && mistake == CLEANS_UP_IN_PLACE)
		(void)rewrite(log, number);
	return err;
}

static int append(struct file *log, uint64_t number, enum mistake mistake)
{
	OWN(own_free) uint8_t *record = malloc(RECORD);
	if (!record && mistake == DROPS_ON_SECOND_ENOMEM) {
		record = malloc(RECORD);
		if (!record)
			return 0;
	}
	if (!record)
		return mistake == DROPS_ON_ENOMEM ? 0 : -ENOMEM;
	make_record(record, number);
	return write_record(log, record, number, mistake);
}

static int settle(struct file *log, struct file *other, enum mistake mistake)
{
	if (mistake == NO_SYNC)
		return 0;
	int err = file_sync(mistake == SYNC_OF_ANOTHER ? other : log);
	if (err && mistake == RETRIES_SYNC)
		err = file_sync(log);
	return err;
}

static int run_log(struct log_state *state, struct world *world, enum mistake mistake)
{
	OWN(file_close_own) struct file *other = NULL;
	struct file *log;
	int err = disk_open(world->disk, "other", FILE_READ | FILE_WRITE | FILE_CREATE, &other);
	if (!err)
		err = disk_open(world->disk, "log", FILE_READ | FILE_WRITE | FILE_CREATE, &log);
	if (err)
		return err;
	err = mistake == NO_DIR_SYNC ? 0 : disk_sync_dir(world->disk, ".");
	while (!err && state->begun < RECORDS) {
		state->begun++;
		err = append(log, state->begun - 1, mistake);
		if (!err && mistake == ACK_BEFORE_SYNC)
			state->acked = state->begun;
		if (!err)
			err = settle(log, other, mistake);
		if (!err)
			state->acked = state->begun;
	}
	if (!err || mistake != LEAVES_OPEN)
		file_close(log);
	return err;
}

/* How many records are whole; negative: the disk failed. */
static int64_t count_records(struct file *log, enum mistake mistake)
{
	uint8_t record[RECORD];
	uint64_t size;
	int err = file_size(log, &size);
	if (err)
		return err;
	if (mistake == TRUSTS_SIZE)
		return (int64_t)(size / RECORD);
	for (int64_t number = 0;; number++) {
		uint64_t at = (uint64_t)number * RECORD;
		if (at + RECORD > size)
			return number;
		err = file_read_full(log, record, RECORD, at);
		if (err == -EIO && mistake == RECOVERY_SWALLOWS_EIO)
			return number;
		if (err)
			return err;
		bool torn = hash64(record, RECORD - 8, 0) != get_le64(record + RECORD - 8);
		if (get_le64(record) != (uint64_t)number || (torn && mistake != TORN_ACCEPTED))
			return number;
	}
}

/* Cuts what is torn off, so that the next record finds a clean end. */
static int64_t recover(struct file *log, enum mistake mistake)
{
	int64_t count = count_records(log, mistake);
	if (count < 0)
		return count;
	if (mistake == RECOVERY_REWRITES) {
		int rewrite_err = rewrite(log, (uint64_t)count);
		return rewrite_err ? rewrite_err : count;
	}
	int err = file_truncate(log, (uint64_t)count * RECORD);
	if (!err)
		err = file_sync(log);
	return err ? err : count;
}

static int check_records(struct file *log, int64_t count, struct why *why)
{
	uint8_t record[RECORD], expected[RECORD];
	for (int64_t i = 0; i < count; i++) {
		int err = file_read_full(log, record, RECORD, (uint64_t)i * RECORD);
		if (err)
			return err;
		make_record(expected, (uint64_t)i);
		if (memcmp(record, expected, RECORD) != 0)
			return why_set(why, -EBADMSG, "record %d is not what was written", (int)i);
	}
	return 0;
}

static int check_log(
	const struct log_state *state, struct world *world, enum mistake mistake, struct why *why)
{
	OWN(file_close_own) struct file *log = NULL;
	int err = disk_open(world->disk, "log", FILE_READ | FILE_WRITE, &log);
	if (err == -ENOENT && state->acked)
		return why_set(why, -EBADMSG, "the log is gone");
	if (err)
		return err == -ENOENT ? 0 : err;
	int64_t count = recover(log, mistake);
	if (count < 0)
		return (int)count;
	if ((uint64_t)count < state->acked || (uint64_t)count > state->begun)
		return why_set(why, -EBADMSG, "%d records, of %d acknowledged and %d begun",
			(int)count, (int)state->acked, (int)state->begun);
	return check_records(log, count, why);
}

/* ---- A file that is replaced as a whole. ---- */

enum { BODY = 1500, VERSIONS = 3 };

struct replace_state {
	uint64_t begun, acked;
};

static int write_body(struct disk *disk, const char *name, uint64_t number, bool sync)
{
	OWN(file_close_own) struct file *file = NULL;
	uint8_t body[BODY];
	memset(body, (int)number, sizeof(body));
	int err = disk_open(disk, name, FILE_READ | FILE_WRITE | FILE_CREATE, &file);
	if (!err)
		err = file_truncate(file, 0);
	if (!err)
		err = file_write_full(file, body, sizeof(body), 0);
	if (!err && sync)
		err = file_sync(file);
	return err;
}

static int replace(struct disk *disk, uint64_t number, enum mistake mistake)
{
	const char *name = mistake == IN_PLACE ? "file" : "file.new";
	int err = write_body(disk, name, number, mistake != RENAME_BEFORE_SYNC);
	if (!err && mistake != IN_PLACE)
		err = disk_rename(disk, "file.new", "file");
	if (!err && mistake != NO_DIR_SYNC)
		err = disk_sync_dir(disk, ".");
	return err;
}

static int run_replace(struct replace_state *state, struct world *world, enum mistake mistake)
{
	int err = 0;
	while (!err && state->begun < VERSIONS) {
		state->begun++;
		err = replace(world->disk, state->begun, mistake);
		if (!err)
			state->acked = state->begun;
	}
	return err;
}

static int check_replace(const struct replace_state *state, struct world *world, struct why *why)
{
	OWN(file_close_own) struct file *file = NULL;
	uint8_t body[BODY + 1];
	uint64_t size;
	int err = disk_open(world->disk, "file", FILE_READ, &file);
	if (err == -ENOENT && !state->acked)
		return 0;
	if (err == -ENOENT)
		return why_set(why, -EBADMSG, "the file is gone");
	if (!err)
		err = file_size(file, &size);
	if (!err && size != BODY)
		return why_set(why, -EBADMSG, "the file has %d bytes", (int)size);
	if (!err)
		err = file_read_full(file, body, BODY, 0);
	if (err)
		return err;
	for (size_t i = 1; i < BODY; i++)
		if (body[i] != body[0])
			return why_set(why, -EBADMSG, "the file is a mixture");
	if (body[0] < state->acked || body[0] > state->begun)
		return why_set(why, -EBADMSG, "version %d, not %d to %d", body[0],
			(int)state->acked, (int)state->begun);
	return 0;
}

/* ---- A body, and a flag in another sector that says that it is whole. ---- */

struct flag_state {
	bool acked;
};

static int run_flag(struct flag_state *state, struct world *world, enum mistake mistake)
{
	OWN(file_close_own) struct file *file = NULL;
	uint8_t body[1024];
	memset(body, 'x', sizeof(body));
	int err = disk_open(world->disk, "f", FILE_READ | FILE_WRITE | FILE_CREATE, &file);
	if (!err)
		err = disk_sync_dir(world->disk, ".");
	if (!err)
		err = file_write_full(file, body, sizeof(body), 512);
	if (!err && mistake != ASSUMES_ORDER)
		err = file_sync(file);
	if (!err)
		err = file_write_full(file, "!", 1, 0);
	if (!err)
		err = file_sync(file);
	state->acked = !err;
	return err;
}

static int check_flag(const struct flag_state *state, struct world *world, struct why *why)
{
	OWN(file_close_own) struct file *file = NULL;
	uint8_t all[1536];
	int err = disk_open(world->disk, "f", FILE_READ, &file);
	if (!err)
		err = file_read_full(file, all, sizeof(all), 0);
	if (err == -ENOENT || err == -ENODATA)
		return state->acked ? why_set(why, -EBADMSG, "the file is cut") : 0;
	if (err)
		return err;
	if (all[0] != '!')
		return state->acked ? why_set(why, -EBADMSG, "the flag is gone") : 0;
	for (size_t i = 512; i < sizeof(all); i++)
		if (all[i] != 'x')
			return why_set(why, -EBADMSG, "the flag is up and the body is not whole");
	return 0;
}

/* ---- One scenario a mistake. ---- */

#define LOG(mistake) \
	static int run_log_##mistake(void *state, struct world *world, struct why *why) \
	{ \
		(void)why; \
		return run_log(state, world, mistake); \
	} \
	static int check_log_##mistake( \
		void *state, struct world *world, bool faulty, struct why *why) \
	{ \
		(void)faulty; \
		return check_log(state, world, mistake, why); \
	} \
	static const struct scenario log_##mistake = {"log " #mistake, sizeof(struct log_state), \
		run_log_##mistake, check_log_##mistake, NULL}

LOG(CORRECT);
LOG(NO_SYNC);
LOG(SYNC_OF_ANOTHER);
LOG(NO_DIR_SYNC);
LOG(ACK_BEFORE_SYNC);
LOG(TORN_ACCEPTED);
LOG(TRUSTS_SIZE);
LOG(RETRIES_SYNC);
LOG(IGNORES_SHORT);
LOG(DROPS_ON_ENOMEM);
LOG(DROPS_ON_SECOND_ENOMEM);
LOG(DROPS_ON_ENOSPC);
LOG(DROPS_ON_SECOND_ENOSPC);
LOG(CLEANS_UP_IN_PLACE);
LOG(LEAVES_OPEN);
LOG(RECOVERY_REWRITES);
LOG(RECOVERY_SWALLOWS_EIO);

#define OTHER(kind, mistake) \
	static int run_##kind##_##mistake(void *state, struct world *world, struct why *why) \
	{ \
		(void)why; \
		return run_##kind(state, world, mistake); \
	} \
	static int check_##kind##_##mistake( \
		void *state, struct world *world, bool faulty, struct why *why) \
	{ \
		(void)faulty; \
		return check_##kind(state, world, why); \
	} \
	static const struct scenario kind##_##mistake = {#kind " " #mistake, \
		sizeof(struct kind##_state), run_##kind##_##mistake, check_##kind##_##mistake, \
		NULL}

OTHER(replace, CORRECT);
OTHER(replace, RENAME_BEFORE_SYNC);
OTHER(replace, NO_DIR_SYNC);
OTHER(replace, IN_PLACE);
OTHER(flag, CORRECT);
OTHER(flag, ASSUMES_ORDER);

static struct explore_report explored(
	const struct scenario *scenario, const struct explore_options *options)
{
	struct explore_report report;
	int err = explore(scenario, options, &report);
	CHECK(err == 0 || err == -EBADMSG);
	CHECK_EQ(err == -EBADMSG, report.violated);
	return report;
}

static const struct explore_options all = {.seed = 1, .allocations = &alloc_faults};

static void must_pass(const struct scenario *scenario)
{
	struct explore_report report = explored(scenario, &all);
	test_note("%s: %" PRIu64 " operations, %" PRIu64 " crash points (%" PRIu64
		  " in full), %" PRIu64 " states, %" PRIu64 " faults, %" PRIu64 " allocations",
		scenario->name, report.operations, report.crash_points, report.exhausted,
		report.states, report.faults, report.allocations);
	if (report.violated)
		test_note("%s", report.violation);
	CHECK(!report.violated);
	CHECK(report.states > 500);
	CHECK(report.faults > 0);
}

/* The case that a report names shows its violation again, alone. */
static void must_repeat(const struct scenario *scenario, const struct explore_options *options,
	const struct explore_report *report)
{
	struct explore_options one = *options;
	one.repeat = report->repeat;
	struct explore_report again = explored(scenario, &one);
	CHECK(again.violated);
	CHECK_STR(again.violation, report->violation);
	CHECK(again.states_until <= 64);
}

/* Found, for the reason given: where all states are tried, and where corners and samples are. */
static void must_find(const struct scenario *scenario, const char *reason)
{
	for (int sampled = 0; sampled < 2; sampled++) {
		struct explore_options options = all;
		options.exhaustive = sampled ? 1 : 0;
		struct explore_report report = explored(scenario, &options);
		CHECK(report.violated);
		test_note("%s: found after %" PRIu64 " states%s: %s", scenario->name,
			report.states_until, sampled ? ", corners and samples" : "",
			report.violation);
		CHECK(strstr(report.violation, reason));
		must_repeat(scenario, &options, &report);
	}
}

TEST(what_is_correct_passes)
{
	must_pass(&log_CORRECT);
	/* One for each record, once and for ever; the disk's own are none. */
	CHECK_EQ(explored(&log_CORRECT, &all).allocations, 2 * RECORDS);
	must_pass(&replace_CORRECT);
	must_pass(&flag_CORRECT);
}

TEST(the_same_options_give_the_same_report)
{
	struct explore_options options = all;
	options.exhaustive = 2;
	struct explore_report first = explored(&log_CORRECT, &options);
	struct explore_report second = explored(&log_CORRECT, &options);
	CHECK_EQ(first.states, second.states);
	CHECK_EQ(first.crash_points, second.crash_points);
	options.seed = 2;
	second = explored(&log_CORRECT, &options);
	CHECK(first.states != second.states);
	CHECK_EQ(first.operations, second.operations);
}

TEST(what_is_not_asked_for_is_not_done)
{
	struct explore_report report;
	struct explore_options options = all;
	options.no_crashes = true;
	report = explored(&log_CORRECT, &options);
	CHECK_EQ(report.crash_points, 0);
	CHECK(report.faults > 0 && report.allocations > 0);
	options.no_faults = true;
	options.allocations = NULL;
	report = explored(&log_CORRECT, &options);
	CHECK_EQ(report.states, 0);
	options.repeat = "crash 3/q1";
	CHECK_EQ(explore(&log_CORRECT, &options, &report), -EINVAL);
	options.repeat = "fail 3 EIO once > crash 3/x1";
	CHECK_EQ(explore(&log_CORRECT, &options, &report), -EINVAL);
}

TEST(a_missing_sync_is_found)
{
	must_find(&log_NO_SYNC, "acknowledged");
}

TEST(a_sync_of_another_file_is_found)
{
	must_find(&log_SYNC_OF_ANOTHER, "acknowledged");
}

TEST(a_missing_sync_of_the_folder_is_found)
{
	must_find(&log_NO_DIR_SYNC, "the log is gone");
	must_find(&replace_NO_DIR_SYNC, "is gone");
}

TEST(a_promise_before_the_sync_is_found)
{
	must_find(&log_ACK_BEFORE_SYNC, "acknowledged");
}

TEST(a_torn_record_is_found)
{
	must_find(&log_TORN_ACCEPTED, "not what was written");
}

TEST(trust_in_a_size_is_found)
{
	must_find(&log_TRUSTS_SIZE, "not what was written");
}

TEST(a_sync_tried_again_is_found)
{
	must_find(&log_RETRIES_SYNC, "failed with EIO");
}

TEST(an_ignored_short_write_is_found)
{
	must_find(&log_IGNORES_SHORT, "failed with short");
}

TEST(a_record_dropped_for_want_of_memory_is_found)
{
	must_find(&log_DROPS_ON_ENOMEM, "allocation");
}

TEST(what_only_lasting_failures_show_is_found)
{
	must_find(&log_DROPS_ON_SECOND_ENOMEM, "allocation 1 and all after it failed");
	must_find(&log_DROPS_ON_SECOND_ENOSPC, "and all after it failed with ENOSPC");
}

TEST(a_record_dropped_for_want_of_space_is_found)
{
	must_find(&log_DROPS_ON_ENOSPC, "failed with ENOSPC");
}

TEST(a_crash_while_cleaning_up_after_an_error_is_found)
{
	must_find(&log_CLEANS_UP_IN_PLACE, ", then a crash at operation");
}

TEST(a_file_left_open_is_found)
{
	must_find(&log_LEAVES_OPEN, "left open");
}

TEST(a_recovery_that_rewrites_in_place_is_found)
{
	must_find(&log_RECOVERY_REWRITES, "in its recovery crash");
}

TEST(a_recovery_that_takes_an_error_for_the_end_is_found)
{
	must_find(&log_RECOVERY_SWALLOWS_EIO, "in its recovery operation");
}

TEST(a_rename_before_the_sync_is_found)
{
	must_find(&replace_RENAME_BEFORE_SYNC, "the file");
}

TEST(an_overwrite_in_place_is_found)
{
	must_find(&replace_IN_PLACE, "the file");
}

TEST(an_assumed_order_of_writes_is_found)
{
	must_find(&flag_ASSUMES_ORDER, "the flag is up");
}

TEST_MAIN
