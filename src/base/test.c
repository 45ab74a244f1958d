/* SPDX-License-Identifier: Apache-2.0 */
/* The runner behind TEST(): registers, runs, counts, prints TAP. */
#include "base/test.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum outcome { PASSED = 1, FAILED, SKIPPED };

/* A test program is one process with one runner: this is the one place with module state. */
static struct {
	struct test_case *first, *last;
	const char *program;
	const char *current;
	jmp_buf leave;
	char skip_reason[200];
	uint64_t seed;
	bool seeded;
	pid_t pid, child;
	int child_says; /* the read end of the child's stderr */
} runner;

/* Only the thread that runs the tests has a frame to jump back to. */
/* Aligned: mold lays a lone byte across the edge of the part that becomes read-only. */
static _Thread_local _Alignas(16) bool may_leave;

void test_register(struct test_case *entry)
{
	if (runner.last)
		runner.last->next = entry;
	else
		runner.first = entry;
	runner.last = entry;
}

/* Prints a text of any lines as comment, so that none of them is taken for TAP. */
static void comment(FILE *out, const char *text)
{
	fputs("# ", out);
	for (const char *c = text; *c; c++) {
		fputc(*c, out);
		if (*c == '\n')
			fputs("#   ", out);
	}
	fputc('\n', out);
	fflush(out);
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	char what[4096], text[4352];
	va_list args;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	snprintf(text, sizeof(text), "%s:%d: %s", file, line, what);
	if (may_leave && getpid() == runner.pid) {
		comment(stdout, text);
		longjmp(runner.leave, FAILED);
	}
	comment(stderr, text);
	_exit(1);
}

void test_skip(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(runner.skip_reason, sizeof(runner.skip_reason), fmt, args);
	va_end(args);
	longjmp(runner.leave, SKIPPED);
}

bool test_child(void)
{
	int ends[2];
	fflush(stdout);
	if (pipe(ends) != 0 || (runner.child = fork()) < 0)
		test_fail(__FILE__, __LINE__, "no child process can be had");
	if (runner.child == 0) {
		struct rlimit none = {0, 0};
		setrlimit(RLIMIT_CORE, &none);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		return true;
	}
	close(ends[1]);
	runner.child_says = ends[0];
	return false;
}

void test_child_survived(void)
{
	_exit(0);
}

void test_child_died(const char *file, int line, const char *statement, const char *words)
{
	char said[4096];
	size_t len = 0;
	ssize_t n;
	while ((n = read(runner.child_says, said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	close(runner.child_says);
	int status = 0;
	waitpid(runner.child, &status, 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		test_fail(file, line, "%s ended with status %d, not by abort(): %s", statement,
			status, said);
	if (!strstr(said, words))
		test_fail(file, line, "%s said \"%s\", not \"%s\"", statement, said, words);
}

void test_note(const char *fmt, ...)
{
	char text[4096];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	comment(stdout, text);
}

uint64_t test_seed(void)
{
	const char *given = getenv("EBB_SEED");
	if (!runner.seeded) {
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		runner.seed = given && *given
			? strtoull(given, NULL, 0)
			: (uint64_t)now.tv_sec * 1000003u ^ (uint64_t)now.tv_nsec;
		runner.seeded = true;
	}
	test_note("seed %" PRIu64 "; repeat: EBB_SEED=%" PRIu64 " %s %s", runner.seed, runner.seed,
		runner.program, runner.current);
	return runner.seed;
}

static bool wanted(const struct test_case *entry, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(entry->name, argv[i]))
			return true;
	return argc < 2;
}

static enum outcome run_one(const struct test_case *entry)
{
	runner.current = entry->name;
	int left_with = setjmp(runner.leave);
	if (left_with)
		return (enum outcome)left_with;
	entry->run();
	return PASSED;
}

int test_main(int argc, char **argv)
{
	int count = 0, number = 0, failed = 0;
	runner.program = argv[0];
	runner.pid = getpid();
	may_leave = true;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct test_case *entry = runner.first; entry; entry = entry->next)
		count += wanted(entry, argc, argv);
	printf("TAP version 13\n1..%d\n", count);
	for (struct test_case *entry = runner.first; entry; entry = entry->next) {
		if (!wanted(entry, argc, argv))
			continue;
		enum outcome outcome = run_one(entry);
		failed += outcome == FAILED;
		printf("%s %d - %s", outcome == FAILED ? "not ok" : "ok", ++number, entry->name);
		if (outcome == SKIPPED)
			printf(" # SKIP %s", runner.skip_reason);
		printf("\n");
	}
	if (!count)
		fprintf(stderr, "%s: no test of that name\n", argv[0]);
	return failed || !count ? 1 : 0;
}
