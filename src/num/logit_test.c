/* SPDX-License-Identifier: Apache-2.0 */
/* Known coefficients are found; separable and empty data do no harm. */
#include "num/logit.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/wave_test.h"

enum { N = 20000, DIMS = 3 };

TEST(coefficients_are_found)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	static float rows[N * DIMS];
	static uint8_t truth[N];
	struct logit planted = {.dims = DIMS, .beta = {-1, 2, -0.5}}, found = {.dims = DIMS};
	for (size_t i = 0; i < N; i++) {
		double row[DIMS] = {1, wave_normal(&rng), wave_normal(&rng)};
		for (size_t j = 0; j < DIMS; j++)
			rows[i * DIMS + j] = (float)row[j];
		truth[i] = wave_uniform(&rng) < logit_at(&planted, row);
	}
	struct logit_data data = {.rows = rows, .truth = truth, .n = N, .ridge = 1};
	CHECK(logit_fit(&found, &data));
	for (size_t j = 0; j < DIMS; j++)
		CHECK(fabs(found.beta[j] - planted.beta[j]) < 0.15);
}

TEST(separable_and_one_sided_data_stay_finite)
{
	float rows[20 * 2];
	uint8_t truth[20];
	for (size_t i = 0; i < 20; i++) {
		rows[2 * i] = 1;
		rows[2 * i + 1] = (float)i;
		truth[i] = i >= 10;
	}
	struct logit logit = {.dims = 2};
	struct logit_data data = {.rows = rows, .truth = truth, .n = 20, .ridge = 0.1};
	CHECK(logit_fit(&logit, &data));
	double low[2] = {1, 0}, high[2] = {1, 19};
	CHECK(logit_at(&logit, low) < 0.1 && logit_at(&logit, high) > 0.9);
	for (size_t i = 0; i < 20; i++)
		truth[i] = 0;
	logit = (struct logit){.dims = 2};
	CHECK(logit_fit(&logit, &data));
	CHECK(logit_at(&logit, low) < 0.1 && isfinite(logit.beta[0]));
	data.n = 0;
	CHECK(!logit_fit(&logit, &data));
	data.n = 20;
	rows[3] = NAN;
	CHECK(!logit_fit(&logit, &data));
}

TEST_MAIN
