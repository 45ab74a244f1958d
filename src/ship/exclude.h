/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backup leaves out, by patterns as in .gitignore: the last pattern that matches decides.
 *
 *     NAME    an entry of that name, anywhere
 *     A/B     with a slash at its start or within: the path below the saved folder; one that begins
 *             with the saved folder's own path is taken from there
 *     X/      folders only; what is in an excluded folder is never looked at
 *     !X      keeps what an earlier pattern left out
 *     * ? []  any characters, one character, one of a set, within a component; \ takes away the
 *             meaning of the next character
 *     **      as a component: any number of folders
 *
 * A list never changes: any thread.
 */
#ifndef EBB_SHIP_EXCLUDE_H
#define EBB_SHIP_EXCLUDE_H

#include <stdbool.h>
#include <stddef.h>

struct excludes;
struct why;

/* `root` is the absolute path of the saved folder. Gives the list. -EINVAL names the pattern. */
int excludes_new(const char *const *patterns, size_t count, const char *root,
	struct excludes **ret_excludes, struct why *why);
void excludes_free(struct excludes *excludes);

/* Is the entry at `path`, below the root, left out? */
bool excludes_match(const struct excludes *excludes, const char *path, bool is_folder);

/* For OWN(). */
static inline void excludes_free_own(struct excludes **excludes)
{
	excludes_free(*excludes);
}

#endif
