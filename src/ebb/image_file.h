/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and devices that hold an image, as commands open them: past the page cache where that can
 * be, with their holes.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_IMAGE_FILE_H
#define EBB_EBB_IMAGE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "os/files.h"
#include "ship/image.h"

struct keep;
struct why;

struct image_file {
	struct folder *folder; /* that it lies in */
	struct file *file;
	struct files_meta meta;
	uint64_t size;
	struct image_ranges data;
};

/* Cuts a path at its last slash: the folder, "/" at least, and the name. */
enum { IMAGE_PATH = 1024 };
void image_file_split(const char *path, char folder[IMAGE_PATH], const char **ret_name);

/* Whether the path, links followed, names a plain file or a block device. */
bool image_file_is(struct files *files, const char *path);

/*
 * Opens the file at an absolute path, links followed; flags of os/disk.h. FILE_DIRECT is given up
 * where it is not to be had. Gives it, for image_file_done().
 */
int image_file_open(struct files *files, const char *path, unsigned flags,
	struct image_file *ret_image, struct why *why);
void image_file_done(struct image_file *image);

#endif
