/* SPDX-License-Identifier: Apache-2.0 */
/* Opening with patience, and what every command writes down. */
#include "ebb/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "base/container.h"
#include "base/must.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/folders.h"
#include "ebb/keep.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/linux/world.h"
#include "os/loop.h"

/* Others have it open for milliseconds; one that has it for seconds reads points from its place. */
#define PATIENCE_NS (5 * NS_PER_SEC)

/* Why there is no catalog, once for each command. */
static bool tell(struct keep *keep, const char *text)
{
	if (!keep->catalog_told)
		call_fail(0, "going on without the catalog: %s", text);
	keep->catalog_told = true;
	return false;
}

static bool open_folder(struct keep *keep, bool make, struct ledger *ledger, struct why *why)
{
	const char *folder = keep->call->catalog_folder;
	struct folder *there;
	if (!*folder) {
		why_set(why, -ENOENT,
			"none of STATE_DIRECTORY, XDG_STATE_HOME and HOME says where");
		return tell(keep, why->text);
	}
	if (!make) {
		if (files_open(&keep->files, folder, &there))
			return false;
		folder_close(there);
	}
	int err = make ? folders_make(folder) : 0;
	if (err) {
		why_errno(why, err, "%s", folder);
		return tell(keep, why->text);
	}
	if (linux_disk_init(&ledger->disk, folder, why))
		return tell(keep, why->text);
	ledger->disk_open = true;
	ledger->world = *keep->world;
	ledger->world.disk = &ledger->disk.base;
	return true;
}

struct rest {
	struct timer timer;
	struct loop *loop;
};

static void on_rested(struct timer *timer)
{
	loop_stop(container_of(timer, struct rest, timer)->loop);
}

/* Some 10 to 40 ms: two that wait do not meet again. */
static void rest(struct keep *keep)
{
	struct rest rest = {.timer.fn = on_rested, .loop = keep->world->loop};
	int64_t ns = (int64_t)(10 + dice_u64(keep->world->dice) % 30) * NS_PER_MS;
	timer_set(rest.loop, &rest.timer, clock_mono_ns(keep->world->clock) + ns);
	linux_run(keep->lw);
}

bool ledger_open(struct keep *keep, bool make, struct ledger *ret_ledger)
{
	struct ledger *ledger = ret_ledger;
	struct why why = {""};
	int64_t until = clock_mono_ns(keep->world->clock) + PATIENCE_NS;
	*ledger = (struct ledger){0};
	if (!open_folder(keep, make, ledger, &why))
		return false;
	int err = catalog_open(&ledger->world, make, &ledger->catalog, &why);
	while (err == -EWOULDBLOCK && clock_mono_ns(keep->world->clock) < until) {
		rest(keep);
		err = catalog_open(&ledger->world, make, &ledger->catalog, &why);
	}
	if (!err)
		return true;
	ledger_close(ledger);
	if (err == -EBADMSG)
		why_prefix(&why, err, "%s/", keep->call->catalog_folder);
	if (err != -ENOENT || make)
		tell(keep, why.text);
	if (err == -EBADMSG)
		call_fail(0, "`ebb repo check --rebuild` makes it anew from the repository");
	return false;
}

void ledger_close(struct ledger *ledger)
{
	catalog_close(ledger->catalog);
	if (ledger->disk_open)
		linux_disk_done(&ledger->disk);
	*ledger = (struct ledger){0};
}

/* What is to be noted; borrows `path`. */
static struct catalog_sight sight_of(struct keep *keep, bool forced, char path[KEEP_PATH])
{
	bool is_path = !strstr(keep->where, "://") && keep_absolute(keep->call, keep->where, path);
	return (struct catalog_sight){
		.repo = *repo_id(keep->repo),
		.place = is_path ? path : keep->where,
		.generation = repo_head(keep->repo)->generation,
		.forced = forced,
	};
}

uint64_t ledger_check(struct keep *keep, bool given)
{
	uint64_t seen = 0;
	char path[KEEP_PATH];
	struct ledger ledger;
	struct why why = {""};
	if (!ledger_open(keep, false, &ledger))
		return 0;
	int err = catalog_seen(ledger.catalog, repo_id(keep->repo), &seen, &why);
	bool back = !err && !given && repo_head(keep->repo)->generation < seen;
	if (!err && !back) {
		struct catalog_sight sight = sight_of(keep, given, path);
		err = catalog_note_seen(ledger.catalog, &sight, &why);
	}
	ledger_close(&ledger);
	if (err)
		tell(keep, why.text);
	return back ? seen : 0;
}

static int64_t cpu_ns(void)
{
	struct rusage used;
	must(getrusage(RUSAGE_SELF, &used) == 0);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * NS_PER_SEC +
		(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * NS_PER_US;
}

struct catalog_job ledger_begin(struct keep *keep, enum catalog_job_kind kind)
{
	return (struct catalog_job){
		.kind = kind,
		.resource = "",
		.start_ns = clock_wall_ns(keep->world->clock),
		.cpu_ns = cpu_ns(),
	};
}

int ledger_end(struct keep *keep, struct catalog_job *job, int code)
{
	char path[KEEP_PATH];
	struct ledger ledger;
	struct why why = {""};
	job->repo = *repo_id(keep->repo);
	job->end_ns = clock_wall_ns(keep->world->clock);
	job->cpu_ns = cpu_ns() - job->cpu_ns;
	job->outcome = code;
	if (!ledger_open(keep, true, &ledger))
		return code;
	/* Who may only write knows neither generation nor points. */
	bool blind = repo_ring(keep->repo)->write_only;
	struct catalog_sight sight = {0};
	if (!blind)
		sight = sight_of(keep, false, path);
	int err = catalog_end_job(
		ledger.catalog, job, blind ? NULL : &sight, blind ? NULL : keep->repo, &why);
	ledger_close(&ledger);
	if (err)
		tell(keep, why.text);
	return code;
}

int ledger_remove(struct keep *keep)
{
	struct ledger ledger = {0};
	struct why why = {""};
	if (!open_folder(keep, true, &ledger, &why))
		return EXIT_FAILED;
	int err = catalog_remove(&ledger.world, &why);
	ledger_close(&ledger);
	if (err == -EWOULDBLOCK)
		return call_fail(EXIT_LOCKED, "%s/%s", keep->call->catalog_folder, why.text);
	return err ? call_fail(EXIT_FAILED, "%s", why.text) : EXIT_OK;
}
