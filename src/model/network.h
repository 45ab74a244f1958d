/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One small LSTM for all series of a kind, as one more expert of each series' mix.
 *
 * It sees the last two days of a series as departures from the series' own same-hour medians, in
 * units of its own spread, and says the departures of the next day; so it knows no scale and what
 * it learns from one series serves all. It learns as days come: each day of each series is one
 * case, and one older day beside it. It earns its weight in the mix like any other expert, or is
 * ignored.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_MODEL_NETWORK_H
#define EBB_MODEL_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "model/experts.h"

struct network;

enum { NETWORK_WEIGHTS = 4 * 12 * (3 + 12 + 1) + 24 * (12 + 1) };

/* Gives; NULL: no memory. The same seed and the same days give the same network. */
struct network *network_new(uint64_t seed);
void network_free(struct network *network);

/* All that it learnt, to be kept: numbers of a fixed size. */
enum { NETWORK_NUMBERS = 1 + 3 * NETWORK_WEIGHTS };

void network_save(const struct network *network, double ret[NETWORK_NUMBERS]);

/* False, with the network as it was: these are no numbers of one. */
bool network_load(struct network *network, const double numbers[NETWORK_NUMBERS]);

/* Learns from the newest day of this history and from one before it. Ten days are needed. */
void network_learn(struct network *network, const struct history *history);

/* The next AHEAD_HOURS hours. False, with `ret` untouched: the history is too short, or nothing was
 * learnt yet. */
bool network_say(struct network *network, const struct history *history, double *ret);

#endif
