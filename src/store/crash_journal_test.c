/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash exploration of journals. Steps are appended in groups and folded into a hash as they are
 * read; a rewrite replaces them by their fold, so that the model need not know of it: what is read
 * must fold to what one of the allowed numbers of steps folds to.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/why.h"
#include "sim/alloc_fault.h"
#include "store/crash_test.h"
#include "store/journal.h"

static const struct label label = {.kind = "test", .version = 1, .identity = "the first of all"};

enum { STEPS = 14, PAYLOAD_MAX = 1300 };
enum { KIND_STEP = 1, KIND_FOLD = 2, KIND_CHECK = 3 };

/* How many steps are made durable together, and after how many the journal is rewritten. */
static const unsigned groups[] = {1, 2, 3, 2, 1, 3, 2};
enum { REWRITE_AFTER = 8, REWRITE_AGAIN = 9 };

struct fold {
	uint64_t steps;
	uint64_t hash;
	bool checked; /* a check has appended after the steps: none may come behind it */
};

struct state {
	unsigned acked; /* so many steps must be there */
	unsigned maybe; /* no more than these can be */
	struct fold after[STEPS + 1];
};

/* Steps of one sector and of several, so that parts of a group can be lost. */
static size_t step_length(unsigned step)
{
	return step % 4 == 0 ? PAYLOAD_MAX : step % 3 == 0 ? 0 : 20 + step;
}

/*
 * Every other step is the same in each life: what an earlier life appended and lost, and a later
 * one appended again byte for byte, must not bring back what had stood behind it.
 */
static size_t step_content(unsigned char *bytes, unsigned step, unsigned life)
{
	size_t len = step_length(step);
	crash_content(bytes, len, step, step % 2 ? life : 0);
	return len;
}

static void fold_step(struct fold *fold, const void *bytes, size_t len)
{
	fold->steps++;
	fold->hash = hash_fold(fold->hash, hash64(bytes, len, fold->steps));
}

static int tell(void *arg, const struct journal_record *record, struct why *why)
{
	struct fold *fold = arg;
	if (record->kind == KIND_STEP && !fold->checked) {
		fold_step(fold, record->bytes, record->len);
	} else if (record->kind == KIND_FOLD && record->len == 16) {
		fold->steps = get_le64(record->bytes);
		fold->hash = get_le64((const char *)record->bytes + 8);
	} else if (record->kind == KIND_CHECK && record->len == 8 &&
		get_le64(record->bytes) == fold->steps) {
		fold->checked = true;
	} else {
		return why_set(why, -EBADMSG, "record %llu of kind %u is not in its place",
			(unsigned long long)record->sequence, record->kind);
	}
	return 0;
}

struct filling {
	const struct state *state;
	unsigned life;
};

/*
 * The first life keeps the last step apart, later ones fold it too: what a rewrite left undone must
 * not show through the next one.
 */
static int fill(void *arg, struct journal *to, struct why *why)
{
	const struct filling *filling = arg;
	unsigned last = filling->state->maybe, folded = last - (filling->life == 1);
	const struct fold *fold = &filling->state->after[folded];
	unsigned char bytes[PAYLOAD_MAX];
	put_le64(bytes, fold->steps);
	put_le64(bytes + 8, fold->hash);
	int err = journal_append(to, KIND_FOLD, bytes, 16, why);
	if (err || folded == last)
		return err;
	size_t len = step_content(bytes, last, filling->life);
	return journal_append(to, KIND_STEP, bytes, len, why);
}

static void close_own(struct journal **journal)
{
	journal_close(*journal);
}

/* Opens, and compares with the model. -ENOENT when there is none, which may be. */
static int open_and_compare(const struct state *state, struct disk *disk, struct fold *ret_fold,
	struct journal **ret_journal, struct why *why)
{
	struct journal_options options = {
		.disk = disk, .name = "log", .label = label, .create = state->acked == 0};
	struct fold fold = {0};
	OWN(close_own) struct journal *journal = NULL;
	int err = journal_open(&options, tell, &fold, &journal, why);
	if (err)
		return err;
	if (fold.steps < state->acked)
		return why_set(why, -EBADMSG, "%u steps were promised, %u are there", state->acked,
			(unsigned)fold.steps);
	if (fold.steps > state->maybe || fold.hash != state->after[fold.steps].hash)
		return why_set(
			why, -EBADMSG, "%u steps that were never made", (unsigned)fold.steps);
	*ret_fold = fold;
	*ret_journal = TAKE(journal);
	return 0;
}

/* Appends a step and notes that it may be there. */
static int append(struct state *state, struct journal *journal, unsigned life, struct why *why)
{
	unsigned char bytes[PAYLOAD_MAX];
	unsigned step = state->maybe + 1;
	size_t len = step_content(bytes, step, life);
	state->after[step] = state->after[step - 1];
	fold_step(&state->after[step], bytes, len);
	state->maybe = step;
	return journal_append(journal, KIND_STEP, bytes, len, why);
}

/*
 * Makes all steps durable. A caller that does not give up at the first error must not be told that
 * they are.
 */
static int make_durable(
	struct state *state, struct journal *journal, unsigned life, struct why *why)
{
	struct filling filling = {state, life};
	unsigned made = state->maybe;
	int err;
	if (made == REWRITE_AFTER || made == REWRITE_AGAIN)
		err = journal_rewrite(journal, fill, &filling, why);
	else
		err = journal_sync(journal, why);
	if (!err || journal_sync(journal, NULL) == 0)
		state->acked = made;
	return err;
}

static int live(struct state *state, struct disk *disk, unsigned life, struct why *why)
{
	struct fold fold;
	OWN(close_own) struct journal *journal = NULL;
	int err = open_and_compare(state, disk, &fold, &journal, why);
	if (err)
		return err;
	state->acked = state->maybe = (unsigned)fold.steps;
	for (size_t i = 0; state->acked < STEPS; i = (i + 1) % (sizeof(groups) / sizeof(*groups))) {
		for (unsigned n = 0; n < groups[i] && state->maybe < STEPS; n++)
			if ((err = append(state, journal, life, why)))
				return err;
		err = make_durable(state, journal, life, why);
		if (err)
			return err;
	}
	return 0;
}

/* One life after the other, as long as one of them fails. */
static int run(void *arg, struct world *world, struct why *why)
{
	int err = 0;
	for (unsigned number = 1; number <= 2; number++) {
		struct life life;
		life_begin(&life, world, number);
		err = live(arg, life.world.disk, number, why);
		if (!err)
			break;
	}
	return err;
}

static int check(void *arg, struct world *world, bool faulty, struct why *why)
{
	const struct state *state = arg;
	struct fold fold;
	unsigned char bytes[8];
	OWN(close_own) struct journal *journal = NULL;
	(void)faulty;
	int err = open_and_compare(state, world->disk, &fold, &journal, why);
	for (int i = 0; !err && i < 2; i++) {
		put_le64(bytes, fold.steps);
		err = journal_append(journal, KIND_CHECK, bytes, sizeof(bytes), why);
		if (!err)
			err = journal_sync(journal, why);
	}
	return err;
}

/*
 * Journals that were damaged behind their owner's back: nothing of them may be believed, and
 * nothing changed.
 */
struct damage_state {
	bool done; /* durably */
};

static int append_synced(struct journal *journal, unsigned step, unsigned life, struct why *why)
{
	unsigned char bytes[PAYLOAD_MAX];
	size_t len = step_content(bytes, step, life);
	int err = journal_append(journal, KIND_STEP, bytes, len, why);
	return err ? err : journal_sync(journal, why);
}

/* A journal of `steps` steps, each synced, the first of that life, under that name. */
static int make_log(struct disk *disk, const char *name, unsigned steps, unsigned life)
{
	struct journal_options options = {
		.disk = disk, .name = name, .label = label, .create = true};
	struct fold fold = {0};
	OWN(close_own) struct journal *journal = NULL;
	options.label.identity[0] = (uint8_t)name[0];
	int err = journal_open(&options, tell, &fold, &journal, NULL);
	for (unsigned i = 0; i < steps && !err; i++)
		err = append_synced(journal, 1, i ? 0 : life, NULL);
	return err;
}

enum { STEP_SIZE = 40 + 24 }; /* of step 1, as a record */

/* Copies bytes between files, xored with `mask`, durably. */
static int copy(struct disk *disk, const char *from, const char *to, uint64_t at, uint8_t mask)
{
	OWN(file_close_own) struct file *in = NULL, *out = NULL;
	uint8_t bytes[STEP_SIZE] = {0};
	int err = disk_open(disk, from, FILE_READ, &in);
	if (!err)
		err = disk_open(disk, to, FILE_READ | FILE_WRITE, &out);
	if (!err)
		err = file_read_full(in, bytes, sizeof(bytes), at);
	bytes[50] ^= mask;
	if (!err)
		err = file_write_full(out, bytes, sizeof(bytes), at);
	return err ? err : file_sync(out);
}

/* A byte of a record that is followed by others is changed. */
static int run_flipped(void *arg, struct world *world, struct why *why)
{
	struct damage_state *state = arg;
	(void)why;
	int err = make_log(world->disk, "log", 3, 1);
	if (!err)
		err = copy(world->disk, "log", "log", 64, 1);
	state->done = !err;
	return err;
}

/* The last record is replaced by that of a copy of the journal which went another way. */
static int run_spliced(void *arg, struct world *world, struct why *why)
{
	struct damage_state *state = arg;
	(void)why;
	int err = make_log(world->disk, "log", 2, 1);
	if (!err)
		err = make_log(world->disk, "l", 2, 2);
	if (!err)
		err = copy(world->disk, "l", "log", 64 + STEP_SIZE, 0);
	state->done = !err;
	return err;
}

/* The file of another is put in its place. */
static int run_foreign(void *arg, struct world *world, struct why *why)
{
	struct damage_state *state = arg;
	(void)why;
	int err = make_log(world->disk, "other", 2, 1);
	if (!err)
		err = disk_rename(world->disk, "other", "log");
	if (!err)
		err = disk_sync_dir(world->disk, ".");
	state->done = !err;
	return err;
}

static int check_damaged(void *arg, struct world *world, bool faulty, struct why *why)
{
	const struct damage_state *state = arg;
	struct journal_options options = {.disk = world->disk, .name = "log", .label = label};
	struct fold fold = {0};
	struct journal *journal = NULL;
	options.label.identity[0] = 'l';
	int err = journal_open(&options, tell, &fold, &journal, why);
	journal_close(journal);
	if (faulty && err != -EBADMSG)
		return err;
	if (state->done && err != -EBADMSG)
		return why_set(why, -EBADMSG, "the damage was not found");
	return 0;
}

#define DAMAGE(id) \
	static const struct scenario id = {.name = #id, \
		.state_size = sizeof(struct damage_state), \
		.run = run_##id, \
		.check = check_damaged}
DAMAGE(flipped);
DAMAGE(spliced);
DAMAGE(foreign);

static const struct scenario journal = {
	.name = "journal", .state_size = sizeof(struct state), .run = run, .check = check};

int main(int argc, char **argv)
{
	const struct crash_case cases[] = {
		{.scenario = &journal,
			.options.allocations = &alloc_faults,
			.killed = {.exhaustive = 256,
				.samples = 64,
				.recovery_points = 4,
				.no_faults = true},
			.kills = 1},
		{.scenario = &flipped},
		{.scenario = &spliced},
		{.scenario = &foreign},
	};
	return crash_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
