/* SPDX-License-Identifier: Apache-2.0 */
/* The environment, and what an end means. */
#include "source/hook.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/vec.h"
#include "base/why.h"
#include "os/programs.h"

/* Ours, a backup within a hook must not believe the outer one's. */
static const char *const names[] = {
	"EBB_PHASE=", "EBB_RESOURCE=", "EBB_PATH=", "EBB_EXIT=", "EBB_POINT="};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

static bool is_ours(const char *assignment)
{
	for (size_t i = 0; i < NAMES; i++)
		if (str_starts(assignment, names[i]))
			return true;
	return false;
}

static void values_done(struct str (*values)[NAMES])
{
	for (size_t i = 0; i < NAMES; i++)
		str_done(&(*values)[i]);
}

static void fill(struct str values[NAMES], const struct hook_facts *facts)
{
	char hex[33] = "", code[16] = "";
	if (facts->after && facts->point)
		object_show_id(facts->point, hex);
	if (facts->after)
		snprintf(code, sizeof(code), "%d", facts->exit_code);
	const char *const texts[NAMES] = {
		facts->after ? "after" : "before", facts->resource, facts->path, code, hex};
	for (size_t i = 0; i < NAMES; i++) {
		str_add(&values[i], names[i]);
		str_add(&values[i], texts[i]);
	}
}

/* What its end means: 0, or the sentence. */
static int judge(const struct hook *hook, int status, struct why *why)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		return why_set(why, -ECHILD, "%s: ended with code %d", hook->words[0],
			WEXITSTATUS(status));
	return why_set(why, -ECHILD, "%s: ended by signal %d (%s)", hook->words[0],
		WTERMSIG(status), strsignal(WTERMSIG(status)));
}

int hook_run(struct programs *programs, const struct hook *hook, const struct hook_facts *facts,
	struct why *why)
{
	OWN(values_done) struct str values[NAMES] = {0};
	OWN(program_close_own) struct program *program = NULL;
	VEC(const char *) env = {0};
	char limit[UNITS_TEXT];
	int err = 0, status;
	fill(values, facts);
	for (size_t i = 0; !err && i < NAMES; i++)
		err = str_error(&values[i]) ? -ENOMEM : vec_push(&env, str_text(&values[i]));
	for (const char *const *at = facts->environment; !err && *at; at++)
		err = is_ours(*at) ? 0 : vec_push(&env, *at);
	if (!err)
		err = vec_push(&env, NULL);
	struct program_spec spec = {.argv = hook->words, .env = env.at, .apart = true};
	if (!err)
		err = program_start(programs, &spec, &program, why);
	vec_done(&env);
	if (err)
		return err;
	err = program_wait(program, facts->limit_ns, &status);
	if (err == -ETIMEDOUT)
		return why_set(why, err, "%s: not done after %s, and ended", hook->words[0],
			units_show_duration(facts->limit_ns, limit));
	return err ? why_errno(why, err, "%s", hook->words[0]) : judge(hook, status, why);
}
