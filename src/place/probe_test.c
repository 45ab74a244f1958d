/* SPDX-License-Identifier: Apache-2.0 */
/* A probe tells figures that can be, and leaves a place as it was. */
#include "place/probe.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/test.h"
#include "base/why.h"
#include "os/world.h"
#include "place/dir.h"
#include "place/place.h"
#include "sim/sim.h"

struct rig {
	struct sim *sim;
	struct world *world;
	struct place *place;
};

static void rig_init(struct rig *rig)
{
	struct sim_node *node;
	static uint8_t pack[3 * PROBE_LONG];
	rig->sim = sim_new(1);
	CHECK(rig->sim);
	CHECK_EQ(sim_node_new(rig->sim, "a", &node), 0);
	rig->world = sim_node_world(node);
	CHECK_EQ(place_dir_open(rig->world->disk, &rig->place), 0);
	CHECK_EQ(place_put(rig->place, "data/ab", pack, sizeof(pack), NULL), 0);
}

static void rig_done(struct rig *rig)
{
	place_close(rig->place);
	sim_free(rig->sim);
}

static bool count(void *arg, const char *name, uint64_t size)
{
	(void)name, (void)size;
	++*(size_t *)arg;
	return true;
}

TEST(a_probe_leaves_nothing)
{
	for (int how_often = 0; how_often < 4; how_often++) {
		struct rig rig;
		struct place_probe probe;
		struct why why = {""};
		size_t left = 0;
		rig_init(&rig);
		const struct place_probe_how how = {
			.clock = rig.world->clock, .leave = how_often & 1, .cold = how_often & 2};
		CHECK_EQ(place_probe(rig.place, &how, &probe, &why), 0);
		CHECK(probe.latency_ns >= 0 && isfinite(probe.writes) && isfinite(probe.reads));
		CHECK((probe.writes < 0) == how.leave && (probe.reads < 0) == how.cold);
		CHECK_EQ(place_list(rig.place, "probe", count, &left), 0);
		CHECK_EQ(left, 0);
		rig_done(&rig);
	}
}

static int refuse(struct place *place, const char *name, uint64_t *ret_size)
{
	(void)place, (void)name, (void)ret_size;
	return -EACCES;
}

TEST(a_place_that_refuses_is_told)
{
	struct place_ops ops = {.size = refuse};
	struct place place = {.ops = &ops};
	struct place_probe probe;
	struct why why = {""};
	struct sim *sim = sim_new(1);
	struct sim_node *node;
	CHECK(sim);
	CHECK_EQ(sim_node_new(sim, "a", &node), 0);
	const struct place_probe_how how = {
		.clock = sim_node_world(node)->clock, .leave = true, .cold = true};
	CHECK_EQ(place_probe(&place, &how, &probe, &why), -EACCES);
	CHECK_STR(why.text, "probe/ebb: cannot be asked for: Permission denied");
	sim_free(sim);
}

TEST_MAIN
