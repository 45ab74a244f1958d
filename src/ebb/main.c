/* SPDX-License-Identifier: Apache-2.0 */
/* ebb: the command line. Finds what is outside, and calls the handler of the command. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"

/* $XDG_STATE_HOME/ebb, else ~/.local/state/ebb, else "". */
static void find_state_home(char path[CALL_PATH])
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int len = 0;
	/* The XDG base directory specification: a relative path is ignored. */
	if (state && state[0] == '/')
		len = snprintf(path, CALL_PATH, "%s/ebb", state);
	else if (home && home[0] == '/')
		len = snprintf(path, CALL_PATH, "%s/.local/state/ebb", home);
	if (len <= 0 || len >= CALL_PATH)
		path[0] = '\0';
}

/* The service manager's folder (the first of several), else where a session keeps its state. */
static void find_catalog_folder(const char *state_home, char path[CALL_PATH])
{
	const char *given = getenv("STATE_DIRECTORY");
	int len = 0;
	if (given && given[0] == '/')
		len = snprintf(path, CALL_PATH, "%.*s", (int)strcspn(given, ":"), given);
	if (len <= 0 || len >= CALL_PATH)
		snprintf(path, CALL_PATH, "%s", state_home);
}

/* The service manager's folder, $XDG_CACHE_HOME/ebb, ~/.cache/ebb; else "". */
static void find_cache_folder(char path[CALL_PATH])
{
	const char *given = getenv("CACHE_DIRECTORY"), *cache = getenv("XDG_CACHE_HOME");
	const char *state = getenv("STATE_DIRECTORY"), *home = getenv("HOME");
	int len = 0;
	if (given && given[0] == '/')
		len = snprintf(path, CALL_PATH, "%.*s", (int)strcspn(given, ":"), given);
	else if (state && state[0] == '/')
		len = snprintf(path, CALL_PATH, "%.*s/cache", (int)strcspn(state, ":"), state);
	else if (cache && cache[0] == '/')
		len = snprintf(path, CALL_PATH, "%s/ebb", cache);
	else if (home && home[0] == '/')
		len = snprintf(path, CALL_PATH, "%s/.cache/ebb", home);
	if (len <= 0 || len >= CALL_PATH)
		path[0] = '\0';
}

/* Not /tmp: that is memory on many machines. */
static void find_spare_folder(char path[CALL_PATH])
{
	const char *given = getenv("TMPDIR");
	snprintf(path, CALL_PATH, "%s", given && given[0] == '/' ? given : "/var/tmp");
}

static void find_program_folder(char path[CALL_PATH])
{
	ssize_t len = readlink("/proc/self/exe", path, CALL_PATH - 1);
	path[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
}

static bool wants_color(const struct args *args)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
	return !args_given(args, OPTION_NO_COLOR) && !(none && *none) && term &&
		strcmp(term, "dumb") != 0 && isatty(STDOUT_FILENO);
}

/* By the character set that the locale names. */
static bool wants_letters(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *value = NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !(value && *value); i++)
		value = getenv(names[i]);
	return !value || (!strcasestr(value, "utf-8") && !strcasestr(value, "utf8"));
}

static bool is_terminal(void)
{
	const char *term = getenv("TERM");
	return term && strcmp(term, "dumb") != 0 && isatty(STDOUT_FILENO);
}

/* A walk holds a folder open for each level that it is deep. */
static void allow_open_files(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int run_call(const struct call *call)
{
	const struct args *args = &call->args;
	struct call help = *call;
	if (args->command && !args_given(args, OPTION_HELP))
		return args->command->run(call);
	if (args->command) {
		help.args = (struct args){0};
		help.args.operands[help.args.operand_count++] = args->command->noun;
		if (args->command->verb)
			help.args.operands[help.args.operand_count++] = args->command->verb;
	}
	return call_help(&help);
}

int main(int argc, char **argv)
{
	struct call call = {0};
	struct why why = {0};
	if (argc < 2) {
		fputs("ebb: which command? `ebb help` tells what there is\n", stderr);
		return EXIT_USAGE;
	}
	if (args_parse((const char *const *)argv + 1, (size_t)argc - 1, &call.args, &why))
		return call_fail(EXIT_USAGE, "%s", why.text);
	allow_open_files();
	/* Chunks and packs go back to the kernel when they are done with, and do not tear holes. */
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	call.config_env = getenv("EBB_CONFIG");
	call.repo_env = getenv("EBB_REPO");
	call.key_file_env = getenv("EBB_KEY_FILE");
	call.password_file_env = getenv("EBB_PASSWORD_FILE");
	call.environment = (const char *const *)environ;
	call.data_env = getenv("EBB_DATA");
	call.color = wants_color(&call.args);
	call.letters = wants_letters();
	call.terminal = is_terminal();
	find_state_home(call.state_home);
	find_catalog_folder(call.state_home, call.catalog_folder);
	find_cache_folder(call.cache_folder);
	find_spare_folder(call.spare_folder);
	find_program_folder(call.program_folder);
	if (!getcwd(call.work_folder, sizeof(call.work_folder)))
		call.work_folder[0] = '\0';
	return run_call(&call);
}
