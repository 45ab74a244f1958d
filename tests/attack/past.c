/* SPDX-License-Identifier: Apache-2.0 */
/* The place, or some of it, goes back to what it was. */
#include "tests/attack/rig.h"

#include <errno.h>
#include <string.h>

/* The whole place goes back: whoever remembers the generation notices. */
TEST(older_states_sampled)
{
	struct rig *rig = rig_begin();
	struct repo *repo;
	unsigned refused = 0;
	for (size_t i = 0; i < rig->state_count; i++) {
		mem_copy(&rig->mem, &rig->states[i]);
		int err = repo_open(&rig->at, rig->secret, rig->generation, &repo, &rig->why);
		CHECK_EQ(err, -ESTALE);
		refused++;
	}
	rig_put_back(rig);
	test_note("older states of the whole place: %zu tried, %u refused by the generation that "
		  "is remembered",
		rig->state_count, refused);
	rig_end(rig);
}

/* What each object was before comes back under its name, and heads are taken away from the end. */
TEST(older_objects_sampled)
{
	struct rig *rig = rig_begin();
	struct count count = {0};
	for (size_t i = 0; i < rig->state_count; i++) {
		/* Names of today that an older state lacks, missing all together. */
		vec_each (object, &rig->base.objects)
			if (!mem_find(&rig->states[i], object->name))
				mem_remove(&rig->mem, object->name);
		rig_must_notice(rig, "taken back", "all newer objects", &count);
		rig_put_back(rig);
		vec_each (old, &rig->states[i].objects) {
			const struct mem_object *now = mem_find(&rig->base, old->name);
			CHECK(!now || strcmp(old->name, "reserve") == 0 ||
				(now->len == old->len &&
					!memcmp(now->bytes, old->bytes, old->len)));
			if (now)
				continue;
			/* Removed since: beside ours it is nothing, or is noticed. */
			mem_set(&rig->mem, old->name, old->bytes, old->len);
			rig_restore(rig, POINTS - 1, true);
			rig_put_back(rig);
		}
	}
	test_note("newer objects taken away: %" PRIu64 " tried, %" PRIu64 " detected", count.tried,
		count.detected);
	CHECK_EQ(count.detected, count.tried);
	rig_end(rig);
}
