/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the Linux world, in the order in which they need each other. */
#include "os/linux/world.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/own.h"
#include "base/why.h"
#include "os/linux/aio.h"
#include "os/linux/clock.h"
#include "os/linux/dice.h"
#include "os/linux/disk.h"
#include "os/linux/host.h"
#include "os/linux/loop.h"
#include "os/linux/net.h"
#include "os/linux/procs.h"
#include "os/linux/workers.h"
#include "os/world.h"

struct linux_world {
	struct world world;
	const char *state_dir; /* while it opens */
	struct linux_options options;
	size_t opened; /* parts */
	struct clock clock;
	struct dice dice;
	struct linux_loop loop;
	struct workers *workers;
	struct linux_disk disk;
	struct linux_aio *aio;
	struct linux_net net;
	struct linux_procs procs;
	struct linux_host host;
};

struct part {
	int (*open)(struct linux_world *lw, struct why *why);
	void (*close)(struct linux_world *lw); /* NULL: holds nothing */
};

static int open_basics(struct linux_world *lw, struct why *why)
{
	linux_clock_init(&lw->clock);
	lw->world.clock = &lw->clock;
	lw->world.dice = &lw->dice;
	return linux_dice_init(&lw->dice, why);
}

static int open_loop(struct linux_world *lw, struct why *why)
{
	lw->world.loop = &lw->loop.base;
	return linux_loop_init(&lw->loop, &lw->clock, why);
}

static void close_loop(struct linux_world *lw)
{
	linux_loop_done(&lw->loop);
}

static unsigned worker_count(const struct linux_options *options)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (options->workers)
		return options->workers < WORKERS_MAX ? options->workers : WORKERS_MAX;
	return cpus < 2 ? 2 : cpus > 16 ? 16 : (unsigned)cpus;
}

static int open_workers(struct linux_world *lw, struct why *why)
{
	int err = workers_open(&lw->loop, worker_count(&lw->options), 1, &lw->workers, why);
	lw->loop.workers = lw->workers;
	return err;
}

static void close_workers(struct linux_world *lw)
{
	workers_close(lw->workers);
}

static int open_disk(struct linux_world *lw, struct why *why)
{
	lw->world.disk = &lw->disk.base;
	return linux_disk_init(&lw->disk, lw->state_dir, why);
}

static void close_disk(struct linux_world *lw)
{
	linux_disk_done(&lw->disk);
}

static int open_aio(struct linux_world *lw, struct why *why)
{
	int err = linux_aio_open(&lw->loop, lw->options.no_uring, &lw->aio, why);
	if (!err)
		lw->world.aio = &lw->aio->base;
	return err;
}

static void close_aio(struct linux_world *lw)
{
	linux_aio_close(lw->aio);
}

/* These open nothing that could fail. */
static int open_rest(struct linux_world *lw, struct why *why)
{
	(void)why;
	lw->world.net = &lw->net.base;
	linux_net_init(&lw->net, &lw->loop);
	lw->world.procs = &lw->procs.base;
	linux_procs_init(&lw->procs, &lw->loop);
	lw->world.host = &lw->host.base;
	linux_host_init(&lw->host, &lw->clock);
	return 0;
}

static void close_rest(struct linux_world *lw)
{
	linux_host_done(&lw->host);
	linux_procs_done(&lw->procs);
}

static const struct part parts[] = {
	{open_basics, NULL},
	{open_loop, close_loop},
	{open_workers, close_workers},
	{open_disk, close_disk},
	{open_aio, close_aio},
	{open_rest, close_rest},
};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

void linux_world_close(struct linux_world *lw)
{
	if (!lw)
		return;
	while (lw->opened) {
		const struct part *part = &parts[--lw->opened];
		if (part->close)
			part->close(lw);
	}
	free(lw);
}

static void close_own(struct linux_world **lw)
{
	linux_world_close(*lw);
}

int linux_world_open(const char *state_dir, const struct linux_options *options,
	struct linux_world **ret_world, struct why *why)
{
	OWN(close_own) struct linux_world *lw = calloc(1, sizeof(*lw));
	if (!lw)
		return why_errno(why, -ENOMEM, "the world of %s", state_dir);
	lw->state_dir = state_dir;
	lw->options = *options;
	while (lw->opened < PARTS) {
		int err = parts[lw->opened].open(lw, why);
		if (err)
			return err;
		lw->opened++;
	}
	*ret_world = TAKE(lw);
	return 0;
}

struct world *linux_world(struct linux_world *lw)
{
	return &lw->world;
}

void linux_run(struct linux_world *lw)
{
	linux_loop_run(&lw->loop);
}
