/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often one may ask: a bucket for each that fills with time. Of those who asked last so many
 * are remembered as there is room; who is forgotten has a full bucket again.
 *
 * Any thread, one at a time for each struct. Pure.
 */
#ifndef EBB_WEB_RATE_H
#define EBB_WEB_RATE_H

#include <stdbool.h>
#include <stdint.h>

enum { RATE_PEERS = 64, RATE_BURST = 400, RATE_A_SECOND = 100, RATE_GUESS = 40 };

struct rate_bucket {
	uint64_t peer;
	int64_t at_ns; /* 0: free */
	double left;
};

struct rate {
	struct rate_bucket at[RATE_PEERS];
};

/* False: not now. `cost`: 1 for a request, RATE_GUESS for a wrong token. */
bool rate_take(struct rate *rate, uint64_t peer, double cost, int64_t now_ns);

#endif
