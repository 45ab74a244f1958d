/* SPDX-License-Identifier: Apache-2.0 */
/* Stands before the allocator by the linker's --wrap; meson.build lists the same names. */
#include "base/scarce.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/* An allocator has no argument to carry this in: one of the few places with module state. */
static struct {
	_Atomic uint64_t count, failed, fails_at;
	_Atomic bool for_ever, paused;
} scarce;

void scarce_arm(uint64_t nth, bool for_ever)
{
	scarce.count = scarce.failed = 0;
	scarce.paused = false;
	scarce.fails_at = nth;
	scarce.for_ever = for_ever;
}

void scarce_pause(bool paused)
{
	scarce.paused = paused;
}

uint64_t scarce_count(void)
{
	return scarce.count;
}

uint64_t scarce_failed(void)
{
	return scarce.failed;
}

static bool refused(void)
{
	if (scarce.paused)
		return false;
	uint64_t count = ++scarce.count, fails_at = scarce.fails_at;
	if (!fails_at || (scarce.for_ever ? count < fails_at : count != fails_at))
		return false;
	scarce.failed++;
	errno = ENOMEM;
	return true;
}

#define WRAP(name, parameters, arguments) \
	void *__real_##name parameters; \
	void *__wrap_##name parameters; \
	void *__wrap_##name parameters \
	{ \
		return refused() ? NULL : __real_##name arguments; \
	}

WRAP(malloc, (size_t size), (size))
WRAP(calloc, (size_t count, size_t size), (count, size))
WRAP(realloc, (void *at, size_t size), (at, size))
WRAP(reallocarray, (void *at, size_t count, size_t size), (at, count, size))
WRAP(aligned_alloc, (size_t alignment, size_t size), (alignment, size))
WRAP(strdup, (const char *text), (text))
WRAP(strndup, (const char *text, size_t len), (text, len))
