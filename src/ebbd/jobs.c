/* SPDX-License-Identifier: Apache-2.0 */
/* The ebb beside this program; the names that get through; lines about jobs. */
#include "ebbd/jobs.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "act/act.h"
#include "act/ledger.h"
#include "base/log.h"
#include "base/str.h"

/* Where the catalog lies, who the user is to places, and what programs of his configuration need.
 */
static const char *const passed[] = {"HOME=", "PATH=", "TZ=", "LANG=", "LC_ALL=", "TMPDIR=",
	"STATE_DIRECTORY=", "CACHE_DIRECTORY=", "XDG_STATE_HOME=", "XDG_CACHE_HOME=", "AWS_",
	"EBB_CONFIG=", "EBB_KEY_FILE=", "EBB_PASSWORD_FILE=", "SSL_CERT_FILE=", "PGPASSFILE=",
	"PGSERVICEFILE="};

static bool is_passed(const char *variable)
{
	for (size_t i = 0; i < sizeof(passed) / sizeof(*passed); i++)
		if (str_starts(variable, passed[i]))
			return true;
	return false;
}

/* Installed, both are in one folder; built, each is in the folder of its room. */
static void find_program(char program[JOBS_PATH])
{
	static const char *const places[] = {"/ebb", "/../ebb/ebb"};
	char folder[JOBS_PATH - 16];
	ssize_t len = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	folder[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(program, JOBS_PATH, "%s%s", folder, places[i]);
		if (access(program, X_OK) == 0)
			return;
	}
	program[0] = '\0';
}

void jobs_init(struct jobs *jobs, char *const *environment)
{
	size_t count = 0;
	*jobs = (struct jobs){0};
	find_program(jobs->program);
	for (; *environment && count < JOBS_ENV; environment++)
		if (is_passed(*environment))
			jobs->env[count++] = *environment;
}

void jobs_say(struct log *log, const struct act_event *event)
{
	const struct ledger_job *job = event->job;
	if (event->news)
		log_say(log, LOG_INFO, "who decides", LOG_TEXT("resource", event->resource),
			LOG_TEXT("news", event->news));
	else if (event->trouble)
		log_say(log, LOG_ERROR, "job not begun", LOG_TEXT("resource", event->resource),
			LOG_TEXT("why", event->trouble));
	else if (!job->ended_s)
		log_say(log, LOG_INFO, "job begins", LOG_TEXT("resource", event->resource),
			LOG_NUM("job", (uint64_t)job->id));
	else if (job->state == JOB_DONE)
		log_say(log, LOG_INFO, "job done", LOG_TEXT("resource", event->resource),
			LOG_NUM("job", (uint64_t)job->id),
			LOG_NUM("seconds", (uint64_t)(job->ended_s - job->started_s)));
	else
		log_say(log, LOG_ERROR, "job failed", LOG_TEXT("resource", event->resource),
			LOG_NUM("job", (uint64_t)job->id), LOG_NUM("code", (uint64_t)job->code));
}
