/* SPDX-License-Identifier: Apache-2.0 */
/* The last words of a process that found its own state broken. */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_fail(const char *cond, const char *file, int line, const char *func)
{
	fprintf(stderr, "ebb: broken promise at %s:%d in %s(): %s\n", file, line, func, cond);
	abort();
}
