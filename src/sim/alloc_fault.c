/* SPDX-License-Identifier: Apache-2.0 */
/* The wrapped allocators. The linker makes `malloc` mean __wrap_malloc, and __real_malloc the C
 * library's. */
#include "sim/alloc_fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Test programs only, and one thread of them: allocators have no argument for a context. */
static struct {
	uint64_t left; /* allocations until one fails; 0: none does */
	bool for_ever;
	bool paused;
	uint64_t failed;
} fault;

static bool fails(void)
{
	if (fault.paused || !fault.left)
		return false;
	if (fault.left > 1) {
		fault.left--;
		return false;
	}
	if (!fault.for_ever)
		fault.left = 0;
	fault.failed++;
	errno = ENOMEM;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
	return fails() ? NULL : __real_strndup(text, len);
}

static void arm(uint64_t nth, bool for_ever)
{
	fault.left = nth;
	fault.for_ever = for_ever;
	fault.paused = false;
	fault.failed = 0;
}

static void set_paused(bool paused)
{
	fault.paused = paused;
}

static uint64_t failed(void)
{
	return fault.failed;
}

const struct explore_allocations alloc_faults = {
	.arm = arm,
	.pause = set_paused,
	.failed = failed,
};
