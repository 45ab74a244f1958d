/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of all names first: a folder is not read and changed at the same time. */
#include "ship/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/files.h"

static bool note(void *arg, const char *name)
{
	struct names *names = arg;
	char *copy = strdup(name);
	if (!copy || vec_push(&names->list, copy)) {
		free(copy);
		names->failed = true;
	}
	return !names->failed;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int names_list(struct folder *folder, struct names *ret_names)
{
	*ret_names = (struct names){0};
	int err = folder_list(folder, note, ret_names);
	if (ret_names->failed)
		return -ENOMEM;
	if (ret_names->list.len)
		qsort(ret_names->list.at, ret_names->list.len, sizeof(char *), by_bytes);
	return err;
}

void names_done(struct names *names)
{
	vec_each (name, &names->list)
		free(*name);
	vec_done(&names->list);
}
