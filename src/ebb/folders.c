/* SPDX-License-Identifier: Apache-2.0 */
/* mkdir -p. */
#include "ebb/folders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ebb/call.h"

int folders_make(const char *path)
{
	char part[CALL_PATH];
	for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		int len = slash ? (int)(slash - path) : (int)strlen(path);
		snprintf(part, sizeof(part), "%.*s", len, path);
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
		if (!slash)
			return 0;
	}
}
