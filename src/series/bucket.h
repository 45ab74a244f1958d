/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples, and their roll-ups: what happened in ten seconds, five minutes, an hour, with least,
 * greatest, mean, count and, from five minutes on, a sketch of the distribution.
 *
 * A gauge is rolled up as it is, a counter as its rate per second between two samples. A counter
 * that went down was reset: what it counted in between is not known, and stays a gap. So does what
 * lies between two samples more than RATE_GAP_MS apart.
 *
 * Time is in milliseconds since 1970 UTC. Any thread, one at a time for each struct.
 */
#ifndef EBB_SERIES_BUCKET_H
#define EBB_SERIES_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "num/sketch.h"

enum series_kind { SERIES_GAUGE = 1, SERIES_COUNTER = 2 };

enum series_level { LEVEL_RAW, LEVEL_10S, LEVEL_5MIN, LEVEL_HOUR, LEVELS };

enum {
	RATE_GAP_MS = 3600 * 1000,
	BUCKET_BINS = 16,   /* of a sketch as it is kept */
	BUCKET_SKETCH = 192 /* bytes of a packed sketch at most */
};

/* The length of a level's bucket; 0 for LEVEL_RAW. */
int64_t level_step_ms(enum series_level level);

struct sample {
	int64_t ms;
	double value;
};

struct bucket {
	int64_t ms; /* its beginning, a multiple of the step */
	uint32_t count;
	double mean, low, high; /* the mean to seven digits, unless all values are one */
	uint32_t sketch_at;     /* in struct buckets */
	uint32_t sketch_len;    /* 0: none */
};

struct samples {
	struct sample *at;
	size_t len, cap;
};

struct buckets {
	VEC(struct bucket) rows;
	VEC(uint8_t) sketches;
};

void buckets_done(struct buckets *buckets);

/* Adds a row with its sketch (borrowed). -ENOMEM, with the buckets as they were. */
int buckets_add(struct buckets *buckets, const struct bucket *row, const uint8_t *sketch);

/* Rolls samples, in order of time, up into buckets of one level. */
struct roller {
	enum series_level level;
	enum series_kind kind;
	int64_t from; /* buckets that begin before are left out */
	struct buckets *buckets;
	/* its own */
	bool before; /* there is a sample before */
	struct sample last;
	uint32_t count;
	int64_t ms;
	double sum, low, high;
	struct sketch sketch;
};

/* 0 or -ENOMEM. */
int roller_add(struct roller *roller, const struct sample *sample);

/* Ends the bucket under way. */
int roller_end(struct roller *roller);

/*
 * A counter's rate per second from one sample to the next. False: it is not known.
 */
bool sample_rate(const struct sample *from, const struct sample *to, double *ret);

/* Collapses to BUCKET_BINS and writes it: at most BUCKET_SKETCH bytes; returns how many. */
size_t sketch_pack(struct sketch *sketch, uint8_t *bytes);

/* False: no packed sketch. `low` and `high` are the bucket's. */
bool sketch_unpack(const uint8_t *bytes, size_t len, const struct bucket *row, struct sketch *ret);

#endif
