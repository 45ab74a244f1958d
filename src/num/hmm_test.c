/* SPDX-License-Identifier: Apache-2.0 */
/* Likelihood never falls; planted phases are recovered; nothing breaks it. */
#include "num/hmm.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

enum { N = 1500, ROOM = 2 * N * HMM_STATES + N };

/* Three phases of log-normal load that last 25 steps on average. */
static void plant(struct rng *rng, double *y, uint8_t *phase)
{
	static const double means[3] = {1, 3, 6};
	uint8_t now = 0;
	for (size_t t = 0; t < N; t++) {
		if (rng_below(rng, 25) == 0)
			now = (uint8_t)((now + 1 + rng_below(rng, 2)) % 3);
		phase[t] = now;
		y[t] = means[now] + 0.5 * wave_normal(rng);
	}
}

TEST(likelihood_never_falls)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	static double y[N], scratch[ROOM];
	static uint8_t phase[N];
	for (int round = 0; round < 6; round++) {
		plant(&rng, y, phase);
		for (size_t t = 0; round % 2 && t < N; t += 1 + rng_below(&rng, 9))
			y[t] = NUM_GAP;
		struct hmm hmm;
		hmm_begin(&hmm, 2 + rng_below(&rng, 4), y, N, scratch);
		double before = -HUGE_VAL;
		for (int i = 0; i < 25; i++) {
			double now = hmm_learn(&hmm, y, N, scratch);
			CHECK(now >= before - 1e-7 * fabs(now));
			before = now;
		}
	}
}

TEST(planted_phases_are_recovered)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	static double y[N], scratch[ROOM];
	static uint8_t phase[N], found[N];
	plant(&rng, y, phase);
	struct hmm hmm;
	hmm_begin(&hmm, 3, y, N, scratch);
	for (int i = 0; i < 30; i++)
		hmm_learn(&hmm, y, N, scratch);
	hmm_decode(&hmm, y, N, scratch, found);
	size_t right = 0;
	for (size_t t = 0; t < N; t++)
		right += found[t] == phase[t];
	test_note("%.3f of the steps right, a phase stays with %.3f", (double)right / N,
		hmm.move[1][1]);
	CHECK((double)right / N > 0.95);
	CHECK(fabs(hmm.mean[0] - 1) < 0.3 && fabs(hmm.mean[2] - 6) < 0.3);
	CHECK(hmm.move[1][1] > 0.9 && hmm.move[1][1] < 0.99);
	double states[HMM_STATES], sum = 0;
	hmm_now(&hmm, y, N, states);
	hmm_step(&hmm, states);
	for (size_t i = 0; i < 3; i++)
		sum += states[i];
	CHECK(fabs(sum - 1) < 1e-9);
}

TEST(odd_series_keep_it_finite)
{
	static double y[N], scratch[ROOM];
	static uint8_t found[N];
	for (int kind = 0; kind < 4; kind++) {
		for (size_t t = 0; t < N; t++)
			y[t] = kind == 0    ? 5
				: kind == 1 ? NUM_GAP
				: kind == 2 ? (t == 700 ? 1e9 : 0)
					    : (t < 700 ? -1e12 : 1e12);
		struct hmm hmm;
		hmm_begin(&hmm, 4, y, N, scratch);
		for (int i = 0; i < 10; i++)
			CHECK(isfinite(hmm_learn(&hmm, y, N, scratch)));
		hmm_decode(&hmm, y, N, scratch, found);
		double states[HMM_STATES];
		CHECK(isfinite(hmm_now(&hmm, y, N, states)));
		for (size_t i = 0; i < 4; i++)
			CHECK(isfinite(states[i]) && isfinite(hmm.mean[i]) && hmm.deviation[i] > 0);
	}
}

TEST_MAIN
