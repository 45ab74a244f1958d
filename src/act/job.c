/* SPDX-License-Identifier: Apache-2.0 */
/* Two children, one after the other, and what the ledger says of them. */
#include "act/job.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "conf/protect.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/world.h"

enum { CODE_PARTIAL = 3, CODE_SIGNAL = 128, ARGS = 20 };

/* What a job that pauses may move: enough to hear that it may go on. */
static const uint64_t paused = 4096;

static void on_exit_(struct proc *proc, int status);

static int64_t now_s(const struct act_job *job)
{
	return clock_wall_ns(job->home->world->clock) / NS_PER_SEC;
}

static void pace_name(const struct act_job *job, char name[CONF_NAME_MAX + 16])
{
	snprintf(name, CONF_NAME_MAX + 16, "pace-%s", job->how->name);
}

void job_pace(struct act_job *job, uint64_t pace)
{
	char name[CONF_NAME_MAX + 16], text[40];
	struct file *file;
	pace = pace ? pace : paused;
	if (pace == job->pace)
		return;
	pace_name(job, name);
	/* Nothing of it must survive: it is made anew with each job. A reader that meets half a
	 * line keeps what it had. */
	if (disk_open(job->home->world->disk, name, FILE_WRITE | FILE_CREATE, &file))
		return;
	int len = snprintf(text, sizeof(text), "%" PRIu64 "B/s\n", pace);
	if (!file_truncate(file, 0) && file_write_at(file, text, (size_t)len, 0) == len)
		job->pace = pace;
	file_close(file);
}

static int start(struct act_job *job, const char *const *argv, struct why *why)
{
	const struct proc_spec spec = {
		.program = job->home->program, .argv = argv, .env = job->home->env, .apart = true};
	int err = procs_start(job->home->world->procs, &spec, &job->proc, why);
	if (err)
		return err;
	job->proc->on_exit = on_exit_;
	job->proc->arg = job;
	job->use = (struct proc_use){0};
	return 0;
}

/* What makes a point of it. */
static size_t add_source(const struct act_job *job, const char *source, const char *argv[ARGS])
{
	const struct conf_protect *how = job->how;
	const char *const path[] = {"ebb", "backup", source};
	const char *const volume[] = {"ebb", "protect", source, "--state", job->home->state};
	const char *const postgres[] = {
		"ebb", "backup", "--postgres", how->postgres, "--name", how->name};
	const char *const *from = *how->volume ? volume : *how->postgres ? postgres : path;
	size_t count = (*how->volume                    ? sizeof(volume)
				       : *how->postgres ? sizeof(postgres)
							: sizeof(path)) /
		sizeof(*from);
	for (size_t i = 0; i < count; i++)
		argv[i] = from[i];
	argv[count++] = "--progress";
	argv[count++] = "none";
	return count;
}

/* Options that say which repository, and how fast. */
static size_t add_common(
	const struct act_job *job, const char *limit_file, const char *argv[], size_t count)
{
	const char *const common[] = {"--repo", job->how->to, "--limit-file", limit_file};
	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
		argv[count++] = common[i];
	if (*job->how->key_file) {
		argv[count++] = "--key-file";
		argv[count++] = job->how->key_file;
	}
	argv[count] = NULL;
	return count;
}

static int run(struct act_job *job, struct why *why)
{
	char limit[CONF_PATH_MAX + CONF_NAME_MAX + 16], name[CONF_NAME_MAX + 16];
	char source[CONF_SOURCE_TEXT];
	const char *argv[ARGS] = {"ebb", "verify", "--new"};
	size_t count = 3;
	pace_name(job, name);
	snprintf(limit, sizeof(limit), "%s/%s", job->home->state, name);
	if (job->seen.state == JOB_SHIPS)
		count = add_source(job, conf_protect_source(job->how, source), argv);
	add_common(job, limit, argv, count);
	return start(job, argv, why);
}

static void forget_pace(struct act_job *job)
{
	char name[CONF_NAME_MAX + 16];
	pace_name(job, name);
	disk_unlink(job->home->world->disk, name);
	job->pace = UINT64_MAX;
}

static void finish(struct act_job *job, enum job_state state)
{
	struct ledger_job seen = job->seen;
	seen.state = state;
	seen.ended_s = now_s(job);
	forget_pace(job);
	/* A ledger that fails is told by its next job, which does not begin. */
	act_ledger_note(job->home->ledger, &seen, NULL);
	job->seen = (struct ledger_job){0};
	job->on_end(job, &seen);
}

static void on_exit_(struct proc *proc, int status)
{
	struct act_job *job = proc->arg;
	proc_close(TAKE(job->proc));
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : CODE_SIGNAL + WTERMSIG(status);
	bool good = code == 0 || (code == CODE_PARTIAL && job->seen.state == JOB_SHIPS);
	if (code || job->seen.state == JOB_SHIPS)
		job->seen.code = code;
	if (!good || job->seen.state == JOB_PROVES) {
		finish(job, good ? JOB_DONE : JOB_FAILED);
		return;
	}
	struct why why;
	job->seen.state = JOB_PROVES;
	if (act_ledger_note(job->home->ledger, &job->seen, &why) || run(job, &why))
		finish(job, JOB_FAILED);
}

int job_begin(struct act_job *job, const struct ledger_job *decided, uint64_t pace, struct why *why)
{
	job->seen = *decided;
	job->seen.resource = job->how->name;
	job->seen.state = JOB_SHIPS;
	job->seen.started_s = now_s(job);
	job->pace = UINT64_MAX;
	int err = act_ledger_begin(job->home->ledger, &job->seen, &job->seen.id, why);
	job->seen.facts = NULL; /* they were borrowed for that call */
	if (err) {
		job->seen = (struct ledger_job){0};
		return err;
	}
	job_pace(job, pace);
	err = job->pace == UINT64_MAX
		? why_set(why, -EIO, "%s: the pace of a job cannot be written", job->home->state)
		: run(job, why);
	if (!err)
		return 0;
	job->seen.state = JOB_FAILED;
	job->seen.ended_s = now_s(job);
	act_ledger_note(job->home->ledger, &job->seen, NULL);
	job->seen = (struct ledger_job){0};
	forget_pace(job);
	return err;
}

struct proc_use job_use(struct act_job *job)
{
	struct proc_use use, since = {0};
	if (!job->proc || proc_use(job->proc, &use))
		return since;
	since.asked_bytes = use.asked_bytes - job->use.asked_bytes;
	since.read_bytes = use.read_bytes - job->use.read_bytes;
	since.write_bytes = use.write_bytes - job->use.write_bytes;
	job->use = use;
	return since;
}

void job_cancel(struct act_job *job)
{
	if (job->proc)
		proc_signal(job->proc, SIGTERM);
}

void job_leave(struct act_job *job)
{
	if (!job->proc)
		return;
	job_cancel(job);
	proc_close(TAKE(job->proc));
	job->seen.state = JOB_LOST;
	job->seen.ended_s = now_s(job);
	forget_pace(job);
	act_ledger_note(job->home->ledger, &job->seen, NULL);
}
