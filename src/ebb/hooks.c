/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs before and after a backup. The backup runs in a process of its own and this one waits,
 * so that the programs of --after run also when it was killed.
 */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/units.h"
#include "base/vec.h"
#include "base/why.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "os/linux/guard.h"
#include "os/linux/programs.h"
#include "source/hook.h"

#define LIMIT_NS (5 * NS_PER_MIN)

struct hooks {
	VEC(struct hook) before, after;
	VEC(char *) paths; /* made absolute */
	struct programs programs;
	struct hook_facts facts;
	const struct call *call;
};

static void hooks_done(struct hooks *hooks)
{
	vec_each (path, &hooks->paths)
		free(*path);
	vec_done(&hooks->paths);
	vec_done(&hooks->before);
	vec_done(&hooks->after);
}

/* The program's path, absolute: what PATH is must not choose a hook. */
static int add_hook(struct hooks *hooks, bool after, const char *program)
{
	char absolute[KEEP_PATH];
	struct hook hook = {0};
	if (!strchr(program, '/'))
		return call_fail(EXIT_USAGE, "--%s %s: give the path of a program",
			after ? "after" : "before", program);
	if (!keep_absolute(hooks->call, program, absolute))
		return call_fail(
			EXIT_USAGE, "--%s: the path is too long", after ? "after" : "before");
	char *path = strdup(absolute);
	if (!path || vec_push(&hooks->paths, path)) {
		free(path);
		return call_fail(EXIT_FAILED, "no memory");
	}
	hook.words[0] = path;
	int err = after ? vec_push(&hooks->after, hook) : vec_push(&hooks->before, hook);
	return err ? call_fail(EXIT_FAILED, "no memory") : EXIT_OK;
}

static int add_argument(struct hook *hook, const char *argument)
{
	size_t count = 0;
	while (hook && hook->words[count])
		count++;
	if (!hook || count > HOOK_ARGUMENTS)
		return call_fail(EXIT_USAGE,
			hook ? "--hook-arg %s: a hook takes %d arguments"
			     : "--hook-arg %s stands before any --before or --after",
			argument, HOOK_ARGUMENTS);
	hook->words[count] = argument;
	return EXIT_OK;
}

/* --before, --after and --hook-arg in the order in which they were given. */
static int read_hooks(const struct call *call, struct hooks *hooks)
{
	struct hook *last = NULL;
	struct why why;
	const char *limit = call->args.values[OPTION_HOOK_TIMEOUT];
	hooks->facts.limit_ns = LIMIT_NS;
	if (limit && units_duration(limit, &hooks->facts.limit_ns, &why))
		return call_fail(EXIT_USAGE, "--hook-timeout: %s", why.text);
	for (size_t i = 0; i < call->args.repeated_count; i++) {
		const struct repeated *given = &call->args.repeated[i];
		int code = EXIT_OK;
		if (given->id == OPTION_BEFORE || given->id == OPTION_AFTER) {
			bool after = given->id == OPTION_AFTER;
			code = add_hook(hooks, after, given->value);
			if (!code)
				last = after ? &hooks->after.at[hooks->after.len - 1]
					     : &hooks->before.at[hooks->before.len - 1];
		} else if (given->id == OPTION_HOOK_ARG) {
			code = add_argument(last, given->value);
		}
		if (code)
			return code;
	}
	return EXIT_OK;
}

struct work {
	const struct call *call;
	backup_fn *backup;
};

static int do_work(void *arg, void *told)
{
	const struct work *work = arg;
	return work->backup(work->call, told);
}

/* The first that fails ends the row: what it should prepare is not there. */
static int run_before(struct hooks *hooks, struct linux_guard *guard)
{
	struct why why = {"no memory"};
	vec_each (hook, &hooks->before) {
		if (linux_guard_signal(guard))
			return 128 + guard->signal;
		if (hook_run(&hooks->programs, hook, &hooks->facts, &why))
			return call_fail(EXIT_FAILED, "no point was made: before it, %s", why.text);
	}
	return EXIT_OK;
}

/* All of them, whatever the others did: what was frozen has to be thawed. */
static int run_after(struct hooks *hooks, int code)
{
	struct why why = {"no memory"};
	int failed = EXIT_OK;
	hooks->facts.after = true;
	hooks->facts.exit_code = code;
	vec_each (hook, &hooks->after)
		if (hook_run(&hooks->programs, hook, &hooks->facts, &why))
			failed = call_fail(EXIT_FAILED, "after the backup, %s", why.text);
	return code ? code : failed;
}

int hooks_around(const struct call *call, backup_fn *backup, const char *resource, const char *path)
{
	OWN(hooks_done) struct hooks hooks = {.call = call, .programs = linux_programs()};
	struct linux_guard guard;
	struct made_point made = {0};
	struct work work = {call, backup};
	struct linux_told told = {&made, sizeof(made)};
	struct why why;
	int code = read_hooks(call, &hooks);
	if (code || (!hooks.before.len && !hooks.after.len))
		return code ? code : backup(call, &made);
	hooks.facts.resource = resource;
	hooks.facts.path = path;
	hooks.facts.environment = call->environment;
	if (linux_guard_begin(&guard, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	code = run_before(&hooks, &guard);
	if (!code && linux_guard_signal(&guard))
		code = 128 + guard.signal;
	if (!code && linux_guard_run(&guard, do_work, &work, &told, &code, &why))
		code = call_fail(EXIT_FAILED, "no point was made: %s", why.text);
	hooks.facts.point = made.made ? &made.id : NULL;
	code = run_after(&hooks, code);
	linux_guard_end(&guard);
	return code;
}
