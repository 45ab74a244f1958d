/* SPDX-License-Identifier: Apache-2.0 */
/* The runner behind TEST(): registers, runs, counts, prints TAP. */
#include "base/test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
} runner;

void test_register(struct test_case *entry)
{
	if (runner.last)
		runner.last->next = entry;
	else
		runner.first = entry;
	runner.last = entry;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list args;
	printf("# %s:%d: ", file, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	longjmp(runner.leave, FAILED);
}

void test_skip(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(runner.skip_reason, sizeof(runner.skip_reason), fmt, args);
	va_end(args);
	longjmp(runner.leave, SKIPPED);
}

void test_note(const char *fmt, ...)
{
	va_list args;
	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

uint64_t test_seed(void)
{
	const char *given = getenv("EBB_SEED");
	if (!runner.seeded) {
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		runner.seed = given ? strtoull(given, NULL, 0)
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
