/* SPDX-License-Identifier: Apache-2.0 */
/* The store of series in a node's turns. */
#include "node/past.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "os/clock.h"
#include "os/world.h"
#include "series/series.h"

#define RETRY_NS NS_PER_MIN

/* Samples' worth of merging in one turn: some tens of milliseconds. */
enum { TURN_BUDGET = 200000 };

static void fail(struct past *past)
{
	series_close(past->series);
	past->series = NULL;
	past->retry_ns = clock_mono_ns(past->world->clock) + RETRY_NS;
}

static void try_open(struct past *past)
{
	struct series_options options = {.world = past->world, .folder = "series", .create = true};
	memcpy(options.identity, past->identity, IDENTITY_SIZE);
	past->failure.text[0] = '\0';
	if (series_open(&options, &past->series, &past->failure) != 0)
		fail(past);
}

void past_open(struct past *past, struct world *world, const uint8_t identity[IDENTITY_SIZE])
{
	*past = (struct past){.world = world};
	memcpy(past->identity, identity, IDENTITY_SIZE);
	try_open(past);
}

bool past_begin(struct past *past)
{
	if (!past->series && clock_mono_ns(past->world->clock) >= past->retry_ns)
		try_open(past);
	if (!past->series)
		return false;
	watch_begin(&past->watch, past->series, clock_wall_ns(past->world->clock) / NS_PER_MS);
	return true;
}

/* A disk without room for segments is told, and waited out with the store open. */
void past_end(struct past *past)
{
	bool more;
	past->failure.text[0] = '\0';
	int err = series_sync(past->series, &past->failure);
	if (!err)
		err = series_tend(past->series, TURN_BUDGET, &more, &past->failure);
	if (err && series_check(past->series, NULL) != 0)
		fail(past);
}

void past_close(struct past *past)
{
	series_close(past->series);
	past->series = NULL;
}
