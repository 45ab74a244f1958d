/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients against finite differences, a known process, and the same bits everywhere. */
#include "num/lstm.h"

#include <math.h>

#include "base/hash.h"
#include "base/rng.h"
#include "base/test.h"
#include "num/wave_test.h"

enum { STEPS = 12, ROOM = 2000, WEIGHTS = 600 };

TEST(gradient_agrees_with_finite_differences)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	struct lstm lstm = {.inputs = 2, .hidden = 5, .outputs = 3};
	double w[WEIGHTS], gradient[WEIGHTS] = {0}, unused[WEIGHTS] = {0}, scratch[ROOM];
	double x[STEPS * 2], target[3];
	size_t count = lstm_weights(&lstm);
	CHECK(count <= WEIGHTS && lstm_scratch(&lstm, STEPS) <= ROOM);
	lstm_begin(&lstm, rng_u64(&rng), w);
	for (size_t i = 0; i < STEPS * 2; i++)
		x[i] = wave_normal(&rng);
	for (size_t i = 0; i < 3; i++)
		target[i] = wave_normal(&rng);
	struct lstm_case one = {.x = x, .steps = STEPS, .target = target};
	lstm_gradient(&lstm, w, &one, scratch, gradient);
	for (size_t i = 0; i < count; i++) {
		double kept = w[i], step = 1e-5;
		w[i] = kept + step;
		double above = lstm_gradient(&lstm, w, &one, scratch, unused);
		w[i] = kept - step;
		double below = lstm_gradient(&lstm, w, &one, scratch, unused);
		w[i] = kept;
		double slope = (above - below) / (2 * step);
		CHECK(fabs(slope - gradient[i]) < 1e-7 + 1e-5 * fabs(slope));
	}
}

/* Learns y[t] = y[t - 3]: something that no memoryless map of the last value can say. Returns the
 * mean squared error on fresh sequences. */
static double learn(uint64_t seed, double *w, const struct lstm *lstm)
{
	static double gradient[WEIGHTS], first[WEIGHTS], second[WEIGHTS], scratch[ROOM];
	struct adam adam = {.first = first, .second = second, .rate = 0.01};
	struct rng rng;
	size_t count = lstm_weights(lstm);
	rng_seed(&rng, seed);
	lstm_begin(lstm, seed, w);
	for (size_t i = 0; i < WEIGHTS; i++)
		gradient[i] = first[i] = second[i] = 0;
	double error = 0;
	for (int round = 0; round < 4000; round++) {
		double x[STEPS], target[1];
		for (size_t i = 0; i < STEPS; i++)
			x[i] = rng_below(&rng, 2) ? 1 : -1;
		target[0] = x[STEPS - 3];
		struct lstm_case one = {.x = x, .steps = STEPS, .target = target};
		double loss = lstm_gradient(lstm, w, &one, scratch, gradient);
		if (round % 4 == 3)
			adam_move(&adam, w, gradient, count);
		if (round >= 3900)
			error += 2 * loss / 100;
	}
	return error;
}

TEST(known_process_is_learnt)
{
	struct lstm lstm = {.inputs = 1, .hidden = 6, .outputs = 1};
	static double w[WEIGHTS];
	double error = learn(test_seed(), w, &lstm);
	test_note("mean squared error %.4f of 1", error);
	CHECK(error < 0.05);
}

/* The hash stands for every compiler and machine: operations are exact and in a fixed order. */
TEST(training_is_the_same_bits_everywhere)
{
	struct lstm lstm = {.inputs = 1, .hidden = 6, .outputs = 1};
	static double w[WEIGHTS];
	learn(42, w, &lstm);
	uint64_t hash = hash64(w, lstm_weights(&lstm) * sizeof(*w), 0);
	test_note("weights %016" PRIx64, hash);
	CHECK(hash == UINT64_C(0xa142855c37af6ee2));
}

TEST_MAIN
