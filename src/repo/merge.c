/* SPDX-License-Identifier: Apache-2.0 */
/* The least of all inputs, again and again: they are few. */
#include "repo/merge.h"

#include <errno.h>
#include <string.h>

void merge_done(struct merge *merge)
{
	vec_each (input, &merge->inputs)
		run_cursor_done(&input->cursor);
	vec_done(&merge->inputs);
}

int merge_add_run(struct merge *merge, struct run *run, const uint32_t *map)
{
	struct merge_input input = {.map = map, .first = run->first};
	int err = run_cursor_init(&input.cursor, run);
	if (!err && vec_push(&merge->inputs, input)) {
		run_cursor_done(&input.cursor);
		err = -ENOMEM;
	}
	return err;
}

int merge_add_array(struct merge *merge, const struct run_entry *entries, size_t count)
{
	struct merge_input input = {.array = entries, .count = count};
	return vec_push(&merge->inputs, input);
}

/* A damaged run is mended, or not, once for each time that it is found so. */
static int read_one(struct merge *merge, struct merge_input *input)
{
	if (!input->cursor.run) {
		if (input->at == input->count)
			return 0;
		input->now = input->array[input->at++];
		return 1;
	}
	int got = run_cursor_next(&input->cursor, &input->now);
	if (got == -EBADMSG && merge->heal) {
		int err = merge->heal(merge->arg, input->cursor.run);
		got = err ? err : run_cursor_next(&input->cursor, &input->now);
	}
	return got;
}

static int step(struct merge *merge, struct merge_input *input)
{
	int got;
	while ((got = read_one(merge, input)) == 1) {
		input->now.number += input->first;
		if (input->map)
			input->now.pack = input->map[input->now.pack];
		if (!input->map || input->now.pack != RUN_GONE)
			return 0;
	}
	input->ended = true;
	return got;
}

int merge_begin(struct merge *merge)
{
	int err = 0;
	vec_each (input, &merge->inputs)
		err = err ? err : step(merge, input);
	return err;
}

int merge_order(const void *a, const void *b)
{
	const struct run_entry *one = a, *other = b;
	int order = memcmp(one->at.digest.b, other->at.digest.b, DIGEST_SIZE);
	return order ? order : (one->pack > other->pack) - (one->pack < other->pack);
}

int merge_next(struct merge *merge, struct run_entry *ret_entry)
{
	struct merge_input *least = NULL;
	vec_each (input, &merge->inputs)
		if (!input->ended && (!least || merge_order(&input->now, &least->now) < 0))
			least = input;
	if (!least)
		return 0;
	*ret_entry = least->now;
	int err = step(merge, least);
	return err ? err : 1;
}
