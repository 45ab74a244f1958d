/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making folders for state, and removing them with all that is in them.
 *
 * Any thread.
 */
#ifndef EBB_EBB_FOLDERS_H
#define EBB_EBB_FOLDERS_H

/* Makes a folder and what is missing above it, mode 0700. 0 or negative errno. */
int folders_make(const char *path);

/* Removes the folder at an absolute path and all below, following no link. 0 or negative errno. */
int folders_remove(const char *path);

#endif
