/* SPDX-License-Identifier: Apache-2.0 */
/* Doubling growth behind VEC(T). */
#include "base/vec.h"

#include <errno.h>

int vec_grow_(void **at, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap > (size_t)-1 / 2 ? need : *cap * 2;
	if (want < 8)
		want = 8;
	if (want < need)
		want = need;
	void *grown = reallocarray(*at, want, size);
	if (!grown)
		return -ENOMEM;
	*at = grown;
	*cap = want;
	return 0;
}
