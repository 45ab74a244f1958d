/* SPDX-License-Identifier: Apache-2.0 */
/* What is planted is found, what is usual is not, and nothing breaks it. */
#include "model/odd.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"

enum { DAY = 288, DAYS = 14 };

static double usual(struct rng *rng, size_t i)
{
	double noise = (double)rng_below(rng, 1000) / 500 - 1;
	return 50 + 20 * sin(2 * M_PI * (double)(i % DAY) / DAY) + noise;
}

/*
 * Two weeks of days, then one in which `bend` has its way; the least p from slot `from` of that day
 * on, before `to`: of few, for among all values of a day one is very odd by chance.
 */
static double oddest(
	double (*bend)(size_t i, double y), size_t from, size_t to, enum odd_way *ret_way)
{
	struct odd *odd = malloc(sizeof(*odd));
	struct rng rng;
	double p = 1;
	CHECK(odd);
	rng_seed(&rng, test_seed());
	odd_begin(odd, DAY);
	for (size_t i = 0; i < (DAYS + 1) * DAY; i++) {
		double y = usual(&rng, i);
		bool last = i >= DAYS * DAY, looked_at = i % DAY >= from && i % DAY < to;
		struct odd_view view = odd_add(odd, last ? bend(i % DAY, y) : y);
		CHECK(view.p > 0 && view.p <= 1 && isfinite(view.score) &&
			view.alarm <= view.score);
		if (last && looked_at && view.p < p) {
			p = view.p;
			*ret_way = view.way;
		}
	}
	free(odd);
	return p;
}

static double nothing(size_t i, double y)
{
	(void)i;
	return y;
}

static double spike(size_t i, double y)
{
	return i == 100 ? y + 60 : y;
}

/* A night's load at noon: no level or step that was not there before. */
static double shifted(size_t i, double y)
{
	return i >= 60 && i < 90 ? 35 : y;
}

TEST(what_is_odd_is_told_from_what_is_usual)
{
	enum odd_way way = ODD_WAYS;
	test_note("p %.2g, spike %.2g, shifted %.2g", oddest(nothing, 100, 102, &way),
		oddest(spike, 100, 102, &way), oddest(shifted, 60, 72, &way));
	CHECK(oddest(spike, 100, 102, &way) < 0.002);
	CHECK(way == ODD_STEP || way == ODD_LEVEL || way == ODD_HABIT);
	CHECK(oddest(shifted, 60, 72, &way) < 0.002);
}

/* As conformal p-values promise: a share of one in a hundred is below one in a hundred. */
TEST(p_values_are_honest)
{
	struct odd *odd = malloc(sizeof(*odd));
	struct rng rng;
	size_t below = 0, count = 0;
	CHECK(odd);
	rng_seed(&rng, test_seed());
	odd_begin(odd, DAY);
	for (size_t i = 0; i < 60 * DAY; i++) {
		struct odd_view view = odd_add(odd, usual(&rng, i));
		if (i < 10 * DAY)
			continue;
		below += view.p < 0.01;
		count++;
	}
	test_note("%.4f of values below 0.01", (double)below / (double)count);
	/* Four ways, each with its own. */
	CHECK(below < count / 20);
	free(odd);
}

TEST(an_event_is_told_once)
{
	struct odd *odd = malloc(sizeof(*odd));
	struct rng rng;
	size_t alarms = 0;
	CHECK(odd);
	rng_seed(&rng, test_seed());
	odd_begin(odd, DAY);
	for (size_t i = 0; i < (DAYS + 1) * DAY; i++) {
		bool broken = i >= DAYS * DAY + 50;
		struct odd_view view = odd_add(odd, broken ? 500 : usual(&rng, i));
		alarms += i >= DAYS * DAY && view.alarm > 3;
	}
	CHECK(alarms >= 1 && alarms <= 5);
	free(odd);
}

TEST(nothing_breaks_it)
{
	static const double poison[] = {
		(double)NAN, HUGE_VAL, -HUGE_VAL, 1e300, -1e18, 1e18, 0, -0.0};
	struct odd *odd = malloc(sizeof(*odd));
	CHECK(odd);
	odd_begin(odd, DAY);
	for (size_t i = 0; i < 3000; i++) {
		struct odd_view view = odd_add(odd, poison[i % 7 * i % 8]);
		CHECK(view.p > 0 && view.p <= 1 && isfinite(view.score) && isfinite(view.alarm));
	}
	odd_begin(odd, 2);
	for (size_t i = 0; i < 1000; i++)
		CHECK(odd_add(odd, 7).p > 0.001);
	free(odd);
}

TEST_MAIN
