/* SPDX-License-Identifier: Apache-2.0 */
/* What others have measured becomes our series, once. */
#include "foresee/intake.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "foresee/influx.h"
#include "foresee/sysstat.h"
#include "os/clock.h"
#include "os/world.h"
#include "series/name.h"
#include "sim/sim.h"

struct rig {
	struct sim *sim;
	struct series *series;
	struct intake intake;
	int64_t now; /* ms, a whole hour */
};

static void rig_init(struct rig *rig)
{
	struct sim_node *node;
	*rig = (struct rig){.sim = sim_new(1)};
	CHECK_EQ(sim_node_new(rig->sim, "a", &node), 0);
	struct world *world = sim_node_world(node);
	const struct series_options options = {
		.world = world, .folder = "series", .identity = "taken", .create = true};
	CHECK_EQ(series_open(&options, &rig->series, NULL), 0);
	rig->now = clock_wall_ns(world->clock) / NS_PER_MS / 3600000 * 3600000;
}

static void rig_done(struct rig *rig)
{
	intake_done(&rig->intake);
	series_close(rig->series);
	sim_free(rig->sim);
}

/* Five minutes of `value` a second, ending `steps` steps before now. */
static void add(struct rig *rig, int steps, double value)
{
	struct name name;
	const struct intake_how how = {INTAKE_RATE, false};
	const struct intake_sample sample = {
		.ms = rig->now - steps * 300000, .span_ms = 300000, .value = value};
	CHECK_EQ(name_parse("read_total", &name, NULL), 0);
	CHECK_EQ(intake_add(&rig->intake, &name, &how, &sample, NULL), 0);
}

static uint64_t put(struct rig *rig, enum series_put answer)
{
	struct intake_series *one = map_get(&rig->intake.by_name, "read_total");
	uint64_t before = one ? one->put[answer] : 0;
	CHECK_EQ(intake_put(&rig->intake, rig->series, NULL), 0);
	one = map_get(&rig->intake.by_name, "read_total");
	return one->put[answer] - before;
}

/* The mean rate of what is known, and for how many buckets of five minutes. */
static double rate(struct rig *rig, size_t *ret_count)
{
	struct buckets rows = {0};
	struct name name;
	uint32_t id;
	double sum = 0;
	const struct series_span span = {LEVEL_5MIN, rig->now - 86400000, rig->now + 3600000};
	CHECK_EQ(name_parse("read_total", &name, NULL), 0);
	CHECK_EQ(series_find(rig->series, &name, &id), 0);
	CHECK_EQ(series_roll(rig->series, id, &span, &rows, NULL), 0);
	for (size_t i = 0; i < rows.rows.len; i++)
		sum += rows.rows.at[i].mean / (double)rows.rows.len;
	*ret_count = rows.rows.len;
	buckets_done(&rows);
	return sum;
}

/* In any order of pieces, twice, with pieces that overlap: the rates that were told. */
TEST(rates_come_back_from_their_counter)
{
	struct rig rig;
	size_t count;
	rig_init(&rig);
	for (int i = 40; i > 20; i--)
		add(&rig, i, 7);
	CHECK_EQ(put(&rig, SERIES_KEPT), 20);
	for (int i = 25; i >= 1; i--)
		add(&rig, i, 7);
	CHECK_EQ(put(&rig, SERIES_KEPT), 20);
	for (int i = 40; i >= 1; i--)
		add(&rig, i, 9);
	CHECK_EQ(put(&rig, SERIES_DUPLICATE), 40);
	CHECK(fabs(rate(&rig, &count) - 7) < 0.01);
	CHECK_EQ(count, 40);
	rig_done(&rig);
}

/* The machine's own counter goes on below: no burst where they meet. */
TEST(the_own_counter_that_follows_is_no_burst)
{
	struct rig rig;
	struct name name;
	uint32_t id;
	size_t count;
	rig_init(&rig);
	for (int i = 40; i > 20; i--)
		add(&rig, i, 7);
	CHECK_EQ(put(&rig, SERIES_KEPT), 20);
	CHECK_EQ(name_parse("read_total", &name, NULL), 0);
	CHECK_EQ(series_find(rig.series, &name, &id), 0);
	for (int i = 20; i >= 1; i--)
		CHECK(series_put(rig.series, id, rig.now - i * 300000, 1e12 + (40 - i) * 2100) <=
			SERIES_LATE);
	CHECK_EQ(series_sync(rig.series, NULL), 0);
	/* What lies within the own counter's time is known. */
	add(&rig, 10, 1e9);
	CHECK_EQ(put(&rig, SERIES_DUPLICATE), 1);
	CHECK(fabs(rate(&rig, &count) - 7) < 0.01);
	rig_done(&rig);
}

TEST(poison_is_counted)
{
	struct rig rig;
	rig_init(&rig);
	add(&rig, 5, (double)NAN);
	add(&rig, 4, HUGE_VAL);
	add(&rig, 3, -1);
	CHECK_EQ(rig.intake.gaps, 2);
	CHECK_EQ(put(&rig, SERIES_POISON), 1);
	rig_done(&rig);
}

static void refused(int err, const struct why *why, const char *said)
{
	CHECK(err == -EINVAL);
	if (!strstr(why->text, said))
		fprintf(stderr, "# %s, wanted %s\n", why->text, said);
	CHECK(strstr(why->text, said) != NULL);
}

TEST(what_is_not_of_sadf_is_refused_with_its_place)
{
	static const char *const texts[][2] = {
		{"{\n\"sysstat\"", "f:2:"},
		{"[]", "f: not what `sadf -j` prints"},
		{"{\"sysstat\":{\"hosts\":[{}]}}", "f: no statistics"},
		{"{\"sysstat\":{\"hosts\":[{},{}]}}", "f: 2 hosts: say by --host"},
		{"{\"sysstat\":{\"hosts\":[{\"statistics\":[{}]}]}}",
			"f: interval 1 has no timestamp"},
		{"{\"sysstat\":{\"hosts\":[{\"statistics\":[{\"timestamp\":{\"date\":\"x\","
		 "\"time\":\"y\",\"utc\":1}}]}]}}",
			"f: interval 1: 'xTyZ' is no moment"},
	};
	struct intake intake = {0};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct why why = {0};
		int err = sysstat_read("f", texts[i][0], strlen(texts[i][0]), NULL, &intake, &why);
		refused(err, &why, texts[i][1]);
	}
	intake_done(&intake);
}

TEST(lines_are_read_as_influx_writes_them)
{
	struct intake intake = {0};
	char text[] =
		"# DML\r\ndiskio,host=a,name=sd\\ a read_bytes=12i,x=\"a \\\" b\" 1700000000\n"
		"\nmy\\,m,t=\\=v f=t,g=1.5 1700000000000000000\n";
	char again[sizeof(text)];
	memcpy(again, text, sizeof(text));
	struct influx_options options = {.name = "f"};
	CHECK_EQ(influx_read(&options, text, sizeof(text) - 1, &intake, NULL), 0);
	CHECK(map_get(&intake.by_name, "ebb_disk_read_bytes_total{device=\"sd a\"}") != NULL);
	CHECK_EQ(intake.left_out, 3);
	options.match = "my,m";
	CHECK_EQ(influx_read(&options, again, sizeof(again) - 1, &intake, NULL), 0);
	const struct intake_series *one = map_get(&intake.by_name, "my_m_g{t=\"=v\"}");
	CHECK(one && one->samples.len == 1 && one->samples.at[0].ms == 1700000000000);
	CHECK(map_get(&intake.by_name, "my_m_f{t=\"=v\"}") != NULL);
	intake_done(&intake);
}

TEST_MAIN
