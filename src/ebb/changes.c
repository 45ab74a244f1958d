/* SPDX-License-Identifier: Apache-2.0 */
/* Page after page. */
#include "ebb/changes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/container.h"
#include "ebb/vold.h"

static bool add_run(struct changes *changes, const json_t *run)
{
	uint64_t from = (uint64_t)json_integer_value(json_array_get(run, 0));
	uint64_t len = (uint64_t)json_integer_value(json_array_get(run, 1));
	size_t count = changes->found.len;
	if (!len || from > INT64_MAX || len > INT64_MAX - from ||
		(count && from < changes->found.at[count - 1].to))
		return false;
	return vec_push(&changes->found, ((struct changed_range){from, from + len})) == 0;
}

/* Asks from there on. Failures were told. */
static int ask(struct changes *changes, uint64_t at)
{
	char since[24], upto[24], from[24];
	const char *const words[] = {"changed", changes->volume, since, upto, from};
	size_t i;
	const json_t *run;
	snprintf(since, sizeof(since), "%" PRIu32, changes->since);
	snprintf(upto, sizeof(upto), "%" PRIu32, changes->upto);
	snprintf(from, sizeof(from), "%" PRIu64, at);
	if (vold_ask(changes->vold, words, 5))
		return -EIO;
	const json_t *answer = changes->vold->answer, *next = json_object_get(answer, "next");
	/* What eras are not told apart any more was not asked for by who had passed them. */
	if (!json_is_true(json_object_get(answer, "exact")))
		return -ESTALE;
	changes->found.len = 0;
	json_array_foreach (json_object_get(answer, "runs"), i, run)
		if (!add_run(changes, run))
			return -EPROTO;
	changes->from = at;
	changes->to = next ? (uint64_t)json_integer_value(next) : UINT64_MAX;
	return changes->to > at ? 0 : -EPROTO;
}

static int next_range(
	struct image_ranges *ranges, uint64_t at, uint64_t *ret_from, uint64_t *ret_to)
{
	struct changes *changes = container_of(ranges, struct changes, ranges);
	for (;;) {
		int err = at >= changes->from && at < changes->to ? 0 : ask(changes, at);
		if (err)
			return err;
		size_t low = 0, high = changes->found.len;
		while (low < high) {
			size_t middle = low + (high - low) / 2;
			if (changes->found.at[middle].to <= at)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < changes->found.len) {
			*ret_from = changes->found.at[low].from;
			*ret_to = changes->found.at[low].to;
			return 0;
		}
		if (changes->to == UINT64_MAX)
			return -ENXIO;
		at = changes->to;
	}
}

void changes_init(struct changes *changes, struct vold *vold, const char *volume, uint32_t since,
	uint32_t upto)
{
	*changes = (struct changes){.ranges.next = next_range,
		.vold = vold,
		.volume = volume,
		.since = since,
		.upto = upto};
}

void changes_done(struct changes *changes)
{
	vec_done(&changes->found);
}
