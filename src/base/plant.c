/* SPDX-License-Identifier: Apache-2.0 */
/* Which bugs are planted in this run of a test. */
#define PLANTS
#include "base/plant.h"

#include <stdlib.h>
#include <string.h>

int plant_set(const char *name)
{
	const char *at = getenv("EBB_PLANT");
	size_t len = strlen(name);
	while (at) {
		if (strncmp(at, name, len) == 0 && (at[len] == ',' || !at[len]))
			return 1;
		at = strchr(at, ',');
		at += at ? 1 : 0;
	}
	return 0;
}
