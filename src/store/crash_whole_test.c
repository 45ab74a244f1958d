/* SPDX-License-Identifier: Apache-2.0 */
/* Crash exploration of whole files: replaced four times, in one life or in two. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "sim/alloc_fault.h"
#include "store/crash_test.h"
#include "store/whole.h"

static const struct label label = {.kind = "test", .version = 1, .identity = "the first of all"};

enum { STEPS = 4, CHECK_STEP = 90, LENGTH_MAX = 2000 };

/* Longer and shorter than what was there, within a sector and over several. */
static const size_t lengths[STEPS + 1] = {0, 10, LENGTH_MAX, 700, 701};

struct state {
	unsigned acked; /* this step must be there, or a later one */
	unsigned maybe; /* up to this one */
	unsigned life[STEPS + 1];
};

static int write_step(struct world *world, unsigned step, unsigned life, struct why *why)
{
	unsigned char bytes[LENGTH_MAX];
	size_t len = step <= STEPS ? lengths[step] : 300;
	crash_content(bytes, len, step, life);
	struct whole content = {.label = label, .bytes = bytes, .len = len};
	return whole_write(world->disk, "file", &content, why);
}

static bool is_step(const struct whole *content, unsigned step, unsigned life)
{
	unsigned char bytes[LENGTH_MAX];
	size_t len = step <= STEPS ? lengths[step] : 300;
	crash_content(bytes, len, step, life);
	return content->len == len && memcmp(content->bytes, bytes, len) == 0;
}

/* Which step is there: 0 for no file; CHECK_STEP for what check() had written. */
static int read_step(
	const struct state *state, struct world *world, unsigned *ret_step, struct why *why)
{
	struct whole content;
	int err = whole_renew(world->disk, "file", &label, &content, why);
	if (err) {
		*ret_step = 0;
		return err == -ENOENT && state->acked == 0 ? 0 : err;
	}
	unsigned step = state->acked ? state->acked : 1;
	while (step <= state->maybe && !is_step(&content, step, state->life[step]))
		step++;
	if (step > state->maybe)
		step = is_step(&content, CHECK_STEP, 0) ? CHECK_STEP : 0;
	whole_done(&content);
	*ret_step = step;
	if (step == 0)
		return why_set(
			why, -EBADMSG, "none of the contents %u to %u", state->acked, state->maybe);
	return 0;
}

static int live(struct state *state, struct world *world, unsigned life, struct why *why)
{
	unsigned found;
	int err = read_step(state, world, &found, why);
	if (err)
		return err;
	state->acked = found;
	for (unsigned step = found + 1; step <= STEPS; step++) {
		state->life[step] = life;
		state->maybe = step;
		err = write_step(world, step, life, why);
		if (err)
			return err;
		state->acked = step;
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
		err = live(arg, &life.world, number, why);
		if (!err)
			break;
	}
	return err;
}

static int check(void *arg, struct world *world, bool faulty, struct why *why)
{
	unsigned step;
	(void)faulty;
	int err = read_step(arg, world, &step, why);
	if (!err)
		err = write_step(world, CHECK_STEP, 0, why);
	if (!err)
		err = read_step(arg, world, &step, why);
	if (!err && step != CHECK_STEP)
		err = why_set(why, -EBADMSG, "what was written is not there");
	return err;
}

/* A byte of the content is changed behind the owner's back. */
static int run_flipped(void *arg, struct world *world, struct why *why)
{
	OWN(file_close_own) struct file *file = NULL;
	unsigned char byte = 0;
	bool *done = arg;
	int err = write_step(world, 1, 1, why);
	if (!err)
		err = disk_open(world->disk, "file", FILE_READ | FILE_WRITE, &file);
	if (!err)
		err = file_read_full(file, &byte, 1, HEAD_SIZE);
	byte ^= 1;
	if (!err)
		err = file_write_full(file, &byte, 1, HEAD_SIZE);
	if (!err)
		err = file_sync(file);
	*done = !err;
	return err;
}

static int check_flipped(void *arg, struct world *world, bool faulty, struct why *why)
{
	const bool *done = arg;
	struct whole content = {0};
	int err = whole_read(world->disk, "file", &label, &content, why);
	whole_done(&content);
	if (faulty && err != -EBADMSG)
		return err;
	if (*done && err != -EBADMSG)
		return why_set(why, -EBADMSG, "the damage was not found");
	return 0;
}

static const struct scenario flipped = {
	.name = "flipped", .state_size = sizeof(bool), .run = run_flipped, .check = check_flipped};

static const struct scenario whole = {
	.name = "whole", .state_size = sizeof(struct state), .run = run, .check = check};

int main(int argc, char **argv)
{
	const struct crash_case cases[] = {
		{.scenario = &whole, .options.allocations = &alloc_faults},
		{.scenario = &flipped},
	};
	return crash_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
