/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input, or what a program writes, into a repository. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/why.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/ledger.h"
#include "os/disk.h"
#include "os/linux/pipe.h"
#include "os/linux/programs.h"
#include "os/world.h"
#include "repo/point.h"
#include "source/stream.h"

struct started {
	struct program *program;
	const char *name;
};

/* A program that failed may have written anything: what it wrote is no point. */
static int wait_for_program(void *arg, struct why *why)
{
	const struct started *started = arg;
	int status;
	int err = program_wait(started->program, PROGRAM_FOR_EVER, &status);
	if (err)
		return why_errno(why, err, "%s", started->name);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return WIFEXITED(status)
		? why_set(why, -ECHILD, "%s ended with code %d", started->name, WEXITSTATUS(status))
		: why_set(why, -ECHILD, "%s ended by signal %d", started->name, WTERMSIG(status));
}

static int start(const struct call *call, struct programs *programs, struct started *started)
{
	const char *argv[OPERANDS_MAX + 1] = {0};
	struct why why;
	for (size_t i = 0; i < call->args.operand_count; i++)
		argv[i] = call->args.operands[i];
	started->name = argv[0];
	struct program_spec spec = {
		.argv = argv, .env = call->environment, .output = PROGRAM_GIVEN};
	if (program_start(programs, &spec, &started->program, &why))
		return call_fail(EXIT_FAILED, "no point was made: %s", why.text);
	return EXIT_OK;
}

static int check_call(const struct call *call)
{
	const struct args *args = &call->args;
	bool command = args_given(args, OPTION_COMMAND);
	if (!args_given(args, OPTION_STDIN_NAME))
		return call_fail(EXIT_USAGE, "what is the stream called? give --stdin-name NAME");
	if (command == args_given(args, OPTION_STDIN))
		return call_fail(EXIT_USAGE,
			"give --stdin, or --command and behind `--` a program, to say what "
			"--stdin-name names");
	if (command && !args->operand_count)
		return call_fail(
			EXIT_USAGE, "--command needs a program: --command -- PROGRAM ARGUMENTS");
	if (!command && args->operand_count)
		return call_fail(EXIT_USAGE, "--stdin saves standard input and no PATH");
	return EXIT_OK;
}

int backup_stream(const struct call *call, struct made_point *ret_made)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(file_close_own) struct file *input = NULL;
	OWN(program_close_own) struct program *owned = NULL;
	struct programs programs = linux_programs();
	struct started started = {0};
	char host[BACKUP_HOST], resource[KEEP_PATH + 8];
	struct point point;
	struct why why = {"no memory"};
	bool command = args_given(&call->args, OPTION_COMMAND);
	int code = check_call(call);
	if (!code)
		code = keep_open(call, &keep);
	if (!code && command)
		code = start(call, &programs, &started);
	if (code)
		return code;
	owned = started.program;
	backup_host(host);
	struct stream_options how = {
		.name = call->args.values[OPTION_STDIN_NAME],
		.from = command ? started.name : "-",
		.host = host,
		.writer = "ebb " EBB_VERSION,
		.uid = getuid(),
		.gid = getgid(),
		.on_end = command ? wait_for_program : NULL,
		.arg = &started,
	};
	struct catalog_job job = ledger_begin(&keep, JOB_BACKUP);
	snprintf(resource, sizeof(resource), "stream/%s", how.name);
	job.resource = resource;
	int err = command ? 0 : linux_input_file(&input);
	if (err)
		why_errno(&why, err, "standard input");
	else
		err = stream_backup(keep.repo, keep.world->clock,
			command ? program_output(owned) : input, &how, &point, &why);
	struct backup_end end = {err, &why, &point, ret_made};
	return backup_done(call, &keep, &job, &end);
}
