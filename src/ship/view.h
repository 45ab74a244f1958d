/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points to look into, as a file system would ask: those of images are a file each, all others
 * folders; names are looked up one by one, only
 * the folders and chunks that are asked for are read, and every byte that is given out passed seal
 * and digest. Nothing here knows FUSE.
 *
 * Inode numbers are the same each time: a hash of the point and of the inode that was saved, so
 * that names of one file have one number.
 *
 * Calls block. One thread for each struct.
 */
#ifndef EBB_SHIP_VIEW_H
#define EBB_SHIP_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "os/files.h"

struct point;
struct repo;
struct tree_entry;
struct view;
struct view_file;
struct why;

enum { VIEW_ROOT = 1 };

/* Borrows the repository. Gives an empty view, or NULL: no memory. */
struct view *view_new(struct repo *repo);
void view_free(struct view *view);

/*
 * Makes the point's root the folder of that path, "" for the root itself; an image is the file of
 * that path, at the root one that is called as it was. Folders on the way are made. 0, -EEXIST,
 * -ENOMEM, -ENOTSUP: part of an archive, which is nothing by itself.
 */
int view_add_point(struct view *view, const struct point *point, const char *path);

/* A link of its own beside points: "latest". */
int view_add_link(struct view *view, const char *path, const char *target);

/* ---- nodes: numbers that stay valid while they are referred to ---- */

/* Takes a reference for the caller. -ENOENT, -ENOTDIR, -EBADMSG, -ENOMEM. */
int view_lookup(
	struct view *view, uint64_t folder, const char *name, uint64_t *ret_node, struct why *why);

/* Gives `count` references back. */
void view_forget(struct view *view, uint64_t node, uint64_t count);

/* What it is; borrowed until the node is forgotten. Of its meta the inode number is the view's. */
const struct tree_entry *view_entry(const struct view *view, uint64_t node);

/* Whether it is the image of a point. */
bool view_is_image(const struct tree_entry *entry);

/* Its path for people, from the root of the view, in `text`. Returns `text`. */
enum { VIEW_PATH = 1024 };
const char *view_path(const struct view *view, uint64_t node, char text[VIEW_PATH]);

/*
 * Entries of a folder from number `from` on, counted from 0, in an order that stays. `fn` answers
 * false to stop; meta->inode is the view's.
 */
typedef bool view_list_fn(void *arg, const char *name, size_t len, const struct files_meta *meta);
int view_list(struct view *view, uint64_t folder, uint64_t from, view_list_fn *fn, void *arg,
	struct why *why);

/* ---- content ---- */

/* Gives the file. -EISDIR and the like, -EIO: it could not be read when it was saved. */
int view_open(struct view *view, uint64_t node, struct view_file **ret_file, struct why *why);
void view_close(struct view_file *file);

/* Bytes read, fewer than `len` only at the end of the file; holes are zeros. -EBADMSG ... */
ssize_t view_read(struct view_file *file, void *bytes, size_t len, uint64_t at, struct why *why);

/*
 * Where from `at` on the next data begins, or with `hole` the next hole, whose last one is the end
 * of the file. -ENXIO: nowhere.
 */
int view_seek(struct view_file *file, uint64_t at, bool hole, uint64_t *ret_at, struct why *why);

#endif
