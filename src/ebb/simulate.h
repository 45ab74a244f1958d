/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace as the one disk that ways to decide are tried on: what `simulate` goes by.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_SIMULATE_H
#define EBB_EBB_SIMULATE_H

#include "replay/replay.h"
#include "series/bucket.h"

/*
 * The trace's load as one host's, in slots from the midnight (UTC) before it to its end. At least
 * one sample. Gives the host, which replay_host_done() takes. An exit code; failures were told.
 */
int simulate_host(const struct samples *samples, struct replay_host *ret_host,
	int64_t *ret_first_ms, int64_t *ret_slots);

/* How many of that many days are judged when nobody says; below 1: there are too few. */
int64_t simulate_days(int64_t known);

/* The last `days` of the site, each with one job. Borrows the site. */
void simulate_world(const struct replay_site *site, int64_t days, struct replay_world *ret_world);

#endif
