/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Series for tests of num and model: noise and daily waves from a seed.
 *
 * Any thread.
 */
#ifndef EBB_NUM_WAVE_TEST_H
#define EBB_NUM_WAVE_TEST_H

#include <math.h>

#include "base/rng.h"

/* Uniform in 0 .. 1. */
static inline double wave_uniform(struct rng *rng)
{
	return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

/* Mean 0, variance 1: twelve uniforms, by Irwin and Hall. */
static inline double wave_normal(struct rng *rng)
{
	double sum = -6;
	for (int i = 0; i < 12; i++)
		sum += wave_uniform(rng);
	return sum;
}

/* 100 + 30 at the day's peak, + 10 on two days of seven, + noise. */
static inline double wave_at(struct rng *rng, size_t hour, double noise)
{
	double day = 30 * sin(2 * M_PI * (double)(hour % 24) / 24);
	double week = hour / 24 % 7 < 2 ? 10 : 0;
	return 100 + day + week + noise * wave_normal(rng);
}

#endif
