/* SPDX-License-Identifier: Apache-2.0 */
/* Folders come from mkdtemp(3), so that tests may run side by side. */
#include "os/linux/scratch_test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/must.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "os/clock.h"

const char *scratch_path(struct scratch *scratch, const char *name, char path[128])
{
	must(snprintf(path, 128, "%s/%s", scratch->dir, name) < 128);
	return path;
}

void scratch_open(struct scratch *scratch, const struct linux_options *options)
{
	struct why why = {0};
	const struct linux_options none = {0};
	const char *base = getenv("TMPDIR");
	*scratch = (struct scratch){0};
	snprintf(scratch->dir, sizeof(scratch->dir), "%.40s/ebb-XXXXXX", base ? base : "/tmp");
	must(mkdtemp(scratch->dir));
	snprintf(scratch->state, sizeof(scratch->state), "%s/state", scratch->dir);
	int err = linux_world_open(scratch->state, options ? options : &none, &scratch->lw, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "no world: %s", why.text);
	scratch->world = linux_world(scratch->lw);
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *ftw)
{
	(void)about;
	(void)type;
	(void)ftw;
	return remove(path);
}

void scratch_close(struct scratch *scratch)
{
	linux_world_close(scratch->lw);
	must(nftw(scratch->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static void give_up(struct timer *timer)
{
	bool test_hangs = timer != NULL;
	must(!test_hangs);
}

void scratch_run(struct scratch *scratch)
{
	struct world *world = scratch->world;
	scratch->guard.fn = give_up;
	timer_set(world->loop, &scratch->guard, clock_mono_ns(world->clock) + NS_PER_MIN);
	linux_run(scratch->lw);
	timer_cancel(world->loop, &scratch->guard);
}
