/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files make up the configuration: the main one, then what ends in .yaml in the folder conf.d
 * beside it, in the order of their names (bytes); names that begin with a dot are left out.
 *
 * The files lie outside the state folder, where no struct disk reaches: the programs hand in how
 * to read (os/linux/textfile.h), tests hand in a folder in memory.
 *
 * Any thread.
 */
#ifndef EBB_CONF_FILES_H
#define EBB_CONF_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/vec.h"
#include "conf/conf.h"

struct why;

enum { CONF_FILES_MAX = 64 };

/* False stops the walk. */
typedef bool conf_list_fn(void *arg, const char *name);

struct conf_reader {
	/* Gives all bytes; -EFBIG above `max`, -ENOENT ... with the whole sentence in `why`. */
	int (*read)(
		const char *path, size_t max, char **ret_text, size_t *ret_len, struct why *why);
	/* Names in a folder, in any order; -ENOENT ... as above. */
	int (*list)(const char *folder, conf_list_fn *fn, void *arg, struct why *why);
};

struct conf_files {
	VEC(struct conf_file) list;
	VEC(char *) owned; /* the memory behind it */
};

/*
 * Gives the files of the configuration at `path`. When `optional`, a main file that is not there is
 * none (its conf.d counts all the same). 0, or a negative errno and why.
 */
int conf_files_load(const struct conf_reader *reader, const char *path, bool optional,
	struct conf_files *ret_files, struct why *why);

/* For OWN(). */
void conf_files_done(struct conf_files *files);

#endif
