/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees for sources that do not come folder by folder: entries are noted by their whole paths in
 * any order, and all folders are written at the end.
 *
 * One thread for each struct.
 */
#ifndef EBB_SOURCE_TREE_BUILD_H
#define EBB_SOURCE_TREE_BUILD_H

#include <stddef.h>

#include "base/vec.h"
#include "os/files.h"
#include "ship/content.h"

struct digest;
struct repo;
struct why;

struct built {
	char *path; /* "data/base/1/1259"; its folders may be noted or not */
	struct files_meta meta;
	struct content content; /* of a file */
	char *target;           /* of a symbolic link */
};

/* All zero: empty. */
struct tree_build {
	VEC(struct built) list;
};

/* Takes the content and leaves an empty one. `target` may be NULL. -EEXIST is told at the end. */
int tree_build_add(struct tree_build *build, const char *path, const struct files_meta *meta,
	struct content *content, const char *target);

/* A small file made of text. */
int tree_build_text(struct tree_build *build, struct repo *repo, const char *path,
	const struct files_meta *meta, const char *text, struct why *why);

/* Writes the folders and tells the root. Folders that were not noted are like `folder`. */
int tree_build_finish(struct tree_build *build, struct repo *repo, const struct files_meta *folder,
	struct digest *ret_root, struct why *why);
void tree_build_done(struct tree_build *build);

#endif
