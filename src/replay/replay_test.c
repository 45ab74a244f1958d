/* SPDX-License-Identifier: Apache-2.0 */
/* Weeks with a busy night, lived through: who decides by prices hurts less and is in time. */
#include "replay/replay.h"

#include <math.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "base/test.h"
#include "plan/gate.h"
#include "replay/report.h"

enum { DAYS = 40 };

static struct replay_host hosts[2];
static struct replay_site site = {.hosts = 2, .slots = DAYS * DAYS_DAY, .host = hosts};

static void make(struct replay_world *world, uint64_t seed)
{
	static double load[DAYS * DAYS_DAY];
	struct rng rng;
	rng_seed(&rng, seed);
	for (size_t h = 0; h < 2; h++) {
		for (int i = 0; i < DAYS * DAYS_DAY; i++) {
			double hour = i % DAYS_DAY / 12.;
			bool busy = h ? hour > 8 && hour < 18 : hour < 6;
			load[i] = (busy ? 60 : 8) * (0.7 + (double)rng_below(&rng, 600) / 1000);
		}
		replay_host_done(&hosts[h]);
		CHECK_EQ(replay_scale(&hosts[h], load, DAYS * DAYS_DAY), 0);
	}
	*world = (struct replay_world){.site = &site,
		.beta = 0.05,
		.most = 0.8,
		.noise = 0.1,
		.bursts = 0.5,
		.delay = 1,
		.seed = seed,
		.from = 22 * DAYS_DAY};
	replay_prepare(world);
}

static const struct replay_row *row(const struct replay_row *rows, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	test_fail(__FILE__, __LINE__, "no row %s", name);
}

TEST(prices_hurt_less_than_clocks_and_are_in_time)
{
	static struct replay_world world;
	struct replay_row rows[REPLAY_ROWS], again[REPLAY_ROWS];
	make(&world, test_seed());
	size_t n = replay_report(&world, rows);
	CHECK(n > replay_way_count);
	CHECK_EQ(replay_report(&world, again), n);
	for (size_t i = 0; i < n; i++)
		CHECK(fabs(rows[i].harm - again[i].harm) <= 0);
	const struct replay_row *ebb = row(rows, n, "ebb"), *best = row(rows, n, "knows the day");
	CHECK(ebb->late <= 0);
	CHECK(ebb->avoided > 0.9);
	CHECK(ebb->harm < row(rows, n, "fixed 02:00")->harm / 5);
	CHECK(best->harm <= ebb->harm);
	CHECK(row(rows, n, "ebb, knows nothing")->late <= 0);
	CHECK(row(rows, n, "another's past, gated")->harm <=
		1.1 * fmax(row(rows, n, "feedback")->harm, ebb->harm));
}

TEST(a_week_is_a_picture)
{
	static struct replay_world world;
	OWN(str_done) struct str text = {0};
	make(&world, 1);
	CHECK_EQ(replay_picture(&world, &text), 0);
	CHECK(str_starts(text.at, "<svg ") && strstr(text.at, "fixed 02:00"));
	CHECK_STR(text.at + text.len - 7, "</svg>\n");
}

TEST(the_better_of_seven_days_drives)
{
	struct gate gate = {0};
	for (int i = 0; i < 6; i++) {
		gate_note(&gate, 1, 2);
		CHECK_EQ(gate_driver(&gate), DRIVER_REACTIVE); /* too young to be believed */
	}
	gate_note(&gate, 1, 2);
	CHECK_EQ(gate_driver(&gate), DRIVER_PLANNER);
	gate_note(&gate, gate_cost(1, true), 2);
	CHECK_EQ(gate_driver(&gate), DRIVER_REACTIVE); /* one that was late weighs much */
	for (int i = 0; i < 7; i++)
		gate_note(&gate, 1, 2);
	CHECK_EQ(gate_driver(&gate), DRIVER_PLANNER); /* and is forgotten after a week */
	gate_note(&gate, (double)NAN, 2);
	CHECK_EQ(gate_driver(&gate), DRIVER_REACTIVE);
}

TEST_MAIN
