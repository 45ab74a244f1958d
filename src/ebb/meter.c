/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of progress. SIGUSR1 is blocked and asked for, so that no handler and no global is needed.
 */
#include "ebb/meter.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/ledger.h"
#include "os/clock.h"
#include "os/world.h"
#include "ship/progress.h"

/* Jobs that are looked at for one that ended well. */
enum { HISTORY = 10, PATH_SHOWN = 40 };

/* Looking is a system call, and ticks come for each file. */
enum { ASKED_EVERY_NS = 10 * 1000 * 1000 };

static bool asked(struct meter *meter, int64_t now_ns)
{
	sigset_t set;
	struct timespec none = {0};
	if (now_ns - meter->asked_ns < ASKED_EVERY_NS)
		return false;
	meter->asked_ns = now_ns;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, NULL, &none) == SIGUSR1;
}

static int read_mode(const struct call *call, enum meter_mode *ret_mode)
{
	static const char *const words[] = {"none", "tty", "plain", "json"};
	const char *word = call->args.values[OPTION_PROGRESS];
	*ret_mode = isatty(STDERR_FILENO) && !args_given(&call->args, OPTION_JSON) ? METER_TTY
										   : METER_NONE;
	if (!word || strcmp(word, "auto") == 0)
		return EXIT_OK;
	for (int i = 0; i < 4; i++) {
		if (strcmp(word, words[i]) == 0) {
			*ret_mode = (enum meter_mode)i;
			return EXIT_OK;
		}
	}
	return call_fail(
		EXIT_USAGE, "--progress: auto, tty, plain, json or none, not '%.40s'", word);
}

int meter_begin(const struct call *call, struct keep *keep, struct meter *ret_meter)
{
	sigset_t set;
	*ret_meter = (struct meter){.clock = keep->world->clock};
	ret_meter->began_ns = ret_meter->next_ns = clock_mono_ns(ret_meter->clock);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return read_mode(call, &ret_meter->mode);
}

static bool take_expected(void *arg, const struct catalog_job *job)
{
	struct meter *meter = arg;
	if (job->outcome != EXIT_OK && job->outcome != EXIT_PARTIAL)
		return true;
	meter->expected_bytes = job->source_bytes;
	return false;
}

void meter_expect(struct meter *meter, struct keep *keep, const struct catalog_job *like)
{
	struct ledger ledger;
	struct catalog_job job = *like;
	if (!ledger_open(keep, false, &ledger))
		return;
	job.repo = *repo_id(keep->repo);
	/* Without it there is no ETA, and nothing else is missing. */
	(void)catalog_jobs(ledger.catalog, &job, HISTORY, take_expected, meter);
	ledger_close(&ledger);
}

/* Seconds until as much was seen as the last time; negative: not to be told. */
static double seconds_left(const struct meter *meter, const struct meter_now *now, double elapsed)
{
	if (!meter->expected_bytes || elapsed < 1 || now->bytes < meter->expected_bytes / 100 ||
		now->bytes > meter->expected_bytes)
		return -1;
	return (double)(meter->expected_bytes - now->bytes) / (double)now->bytes * elapsed;
}

static void print_json(const struct meter *meter, const struct meter_now *now, double elapsed)
{
	double left = seconds_left(meter, now, elapsed);
	fprintf(stderr,
		"{\"type\":\"progress\",\"seconds\":%.1f,\"entries\":%" PRIu64 ",\"bytes\":%" PRIu64
		",\"moved_bytes\":%" PRIu64 ",\"bytes_per_second\":%.0f",
		elapsed, now->entries, now->bytes, now->moved_bytes,
		elapsed > 0 ? (double)now->moved_bytes / elapsed : 0);
	if (left >= 0)
		fprintf(stderr, ",\"expected_bytes\":%" PRIu64 ",\"seconds_left\":%.0f",
			meter->expected_bytes, left);
	fputs("}\n", stderr);
}

static void print_text(const struct meter *meter, const struct meter_now *now, double elapsed)
{
	char left[UNITS_TEXT];
	double wait = seconds_left(meter, now, elapsed);
	bool line = meter->mode == METER_TTY;
	size_t len = now->path ? strlen(now->path) : 0;
	fprintf(stderr, "%s%s, %s seen, %s moved, %s/s",
		line ? "\r\033[K" : "ebb: ", COUNT(now->entries, "entry", "entries"),
		BYTES(now->bytes), BYTES(now->moved_bytes),
		BYTES(elapsed > 0 ? (uint64_t)((double)now->moved_bytes / elapsed) : 0));
	if (wait >= 0)
		fprintf(stderr, ", %s left", units_show_duration((int64_t)wait * NS_PER_SEC, left));
	if (line && len)
		fprintf(stderr, " %s%s", len > PATH_SHOWN ? "..." : "",
			len > PATH_SHOWN ? now->path + len - PATH_SHOWN : now->path);
	if (!line)
		fputc('\n', stderr);
}

void meter_tick(struct meter *meter, const struct meter_now *now)
{
	static const int64_t every_ns[] = {
		[METER_NONE] = INT64_MAX,
		[METER_TTY] = NS_PER_SEC / 5,
		[METER_PLAIN] = 30 * NS_PER_SEC,
		[METER_JSON] = NS_PER_SEC,
	};
	int64_t t = clock_mono_ns(meter->clock);
	bool now_please = asked(meter, t);
	bool due = meter->mode != METER_NONE && t - meter->next_ns >= every_ns[meter->mode];
	double elapsed = (double)(t - meter->began_ns) / 1e9;
	if (!due && !now_please)
		return;
	meter->next_ns = t;
	meter->shown = meter->mode == METER_TTY;
	if (meter->mode == METER_JSON)
		print_json(meter, now, elapsed);
	else
		print_text(meter, now, elapsed);
}

void meter_clear(struct meter *meter)
{
	if (meter->shown)
		fputs("\r\033[K", stderr);
	meter->shown = false;
}

void meter_on_backup(void *arg, const struct backup_progress *now)
{
	struct meter *meter = arg;
	struct meter_now seen = {now->entries, now->bytes, now->read_bytes, now->path};
	if (now->of_bytes)
		meter->expected_bytes = now->of_bytes;
	meter_tick(meter, &seen);
}

void meter_on_trouble(void *meter, const char *path, const char *what)
{
	meter_clear(meter);
	keep_say_trouble(path, what);
}
