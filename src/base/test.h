/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests that speak TAP. A test file holds TEST(name) { ... } blocks and ends with TEST_MAIN.
 *
 * A failed CHECK prints where and what, and leaves its test at once; in a thread or a child process
 * that a test started, it ends the process. Random tests draw their seed from test_seed(), which
 * prints it together with the command that repeats the run; EBB_SEED sets it. `x_test NAME` runs
 * only the tests whose name contains NAME.
 */
#ifndef EBB_BASE_TEST_H
#define EBB_BASE_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TEST(name) \
	static void test_##name(void); \
	__attribute__((constructor)) static void test_register_##name(void) \
	{ \
		static struct test_case entry = {#name, test_##name, NULL}; \
		test_register(&entry); \
	} \
	static void test_##name(void)

#define TEST_MAIN \
	int main(int argc, char **argv) \
	{ \
		return test_main(argc, argv); \
	}

#define CHECK(cond) \
	do { \
		if (!(cond)) \
			test_fail(__FILE__, __LINE__, "%s", #cond); \
	} while (0)

#define CHECK_EQ(a, b) \
	do { \
		int64_t a_ = (int64_t)(a), b_ = (int64_t)(b); \
		if (a_ != b_) \
			test_fail(__FILE__, __LINE__, "%s is %" PRId64 ", not %s (%" PRId64 ")", \
				#a, a_, #b, b_); \
	} while (0)

#define CHECK_STR(a, b) \
	do { \
		const char *a_ = (a), *b_ = (b); \
		if (!a_ || !b_ || strcmp(a_, b_) != 0) \
			test_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #a, \
				a_ ? a_ : "(null)", b_ ? b_ : "(null)"); \
	} while (0)

/* The statement, run in a child process, ends it by abort() with `words` in its last words. */
#define CHECK_DIES(statement, words) \
	do { \
		if (test_child()) { \
			statement; \
			test_child_survived(); \
		} \
		test_child_died(__FILE__, __LINE__, #statement, (words)); \
	} while (0)

struct test_case {
	const char *name;
	void (*run)(void);
	struct test_case *next;
};

void test_register(struct test_case *entry);
int test_main(int argc, char **argv);

_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Leaves the test and counts it as skipped; the reason is printed. */
_Noreturn void test_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A line of comment in the test's output: measured counts, seeds. */
void test_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The halves of CHECK_DIES: true in the child. */
bool test_child(void);
_Noreturn void test_child_survived(void);
void test_child_died(const char *file, int line, const char *statement, const char *words);

/* This run's seed, printed once with the command that repeats it. */
uint64_t test_seed(void);

#endif
