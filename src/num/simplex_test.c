/* SPDX-License-Identifier: Apache-2.0 */
/* Known valleys, a bounded number of calls. */
#include "num/simplex.h"

#include <math.h>

#include "base/test.h"
#include "num/array.h"

struct count {
	int calls;
};

static double bowl(const double *x, void *arg)
{
	struct count *count = arg;
	count->calls++;
	return (x[0] - 3) * (x[0] - 3) + 2 * (x[1] + 1) * (x[1] + 1) + (x[2] * x[2]);
}

/* Rosenbrock 1960. */
static double banana(const double *x, void *arg)
{
	(void)arg;
	double a = 1 - x[0], b = x[1] - x[0] * x[0];
	return a * a + 100 * b * b;
}

static double nowhere(const double *x, void *arg)
{
	(void)x;
	(void)arg;
	return NUM_GAP;
}

TEST(finds_known_minima)
{
	struct simplex_opts opts = {.step = 1, .tol = 1e-14, .evaluations = 2000};
	struct count count = {0};
	double x[3] = {0, 0, 5};
	CHECK(simplex_min(bowl, &count, x, 3, &opts) < 1e-8);
	CHECK(fabs(x[0] - 3) < 1e-3 && fabs(x[1] + 1) < 1e-3 && fabs(x[2]) < 1e-3);
	double y[2] = {-1.2, 1};
	CHECK(simplex_min(banana, NULL, y, 2, &opts) < 1e-8);
}

TEST(keeps_to_its_evaluations)
{
	struct simplex_opts opts = {.step = 1, .tol = 0, .evaluations = 50};
	struct count count = {0};
	double x[3] = {0, 0, 5};
	double first = bowl(x, &count);
	count.calls = 0;
	CHECK(simplex_min(bowl, &count, x, 3, &opts) < first);
	/* One step may evaluate the reflection, the contraction and a whole shrunk simplex. */
	CHECK(count.calls <= 50 + 5);
}

TEST(ends_where_nothing_has_a_value)
{
	struct simplex_opts opts = {.step = 1, .tol = 1e-9, .evaluations = 100};
	double x[1] = {7};
	CHECK(isinf(simplex_min(nowhere, NULL, x, 1, &opts)));
}

TEST_MAIN
