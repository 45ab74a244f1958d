/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input, or what a program writes, into a repository. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/why.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/exit.h"
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

static int save(struct backup_run *run, struct started *started, struct made_point *ret_made)
{
	OWN(file_close_own) struct file *input = NULL;
	struct why why = {"no memory"};
	struct stream_options how = {
		.name = run->call->args.values[OPTION_STDIN_NAME],
		.from = started->program ? started->name : "-",
		.host = run->host,
		.writer = "ebb " EBB_VERSION,
		.uid = getuid(),
		.gid = getgid(),
		.on_end = started->program ? wait_for_program : NULL,
		.end_arg = started,
		.pace = run->keep.limit.source,
		.on_progress = meter_on_backup,
		.arg = &run->meter,
	};
	int err = started->program ? 0 : linux_input_file(&input);
	if (err)
		why_errno(&why, err, "standard input");
	else
		err = stream_backup(run->keep.repo, run->keep.world->clock,
			started->program ? program_output(started->program) : input, &how,
			&run->point, &why);
	return backup_done(run, err, &why, ret_made);
}

int backup_stream(const struct call *call, struct made_point *ret_made)
{
	OWN(backup_run_done) struct backup_run run = {0};
	OWN(program_close_own) struct program *owned = NULL;
	struct programs programs = linux_programs();
	struct started started = {0};
	char resource[KEEP_PATH + 8];
	int code = check_call(call);
	if (code)
		return code;
	snprintf(resource, sizeof(resource), "stream/%s", call->args.values[OPTION_STDIN_NAME]);
	code = backup_begin(call, resource, &run);
	/* Nothing is read and nothing started for an estimate. */
	run.unsampled = true;
	if (!code && run.dry)
		return backup_say_estimate(&run);
	if (!code && args_given(&call->args, OPTION_COMMAND))
		code = start(call, &programs, &started);
	if (code)
		return code;
	owned = started.program;
	return save(&run, &started, ret_made);
}
