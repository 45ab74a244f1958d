/* SPDX-License-Identifier: Apache-2.0 */
/* Opening files and devices that hold an image. */
#include "ebb/image_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/why.h"
#include "os/disk.h"

static int next_data(struct image_ranges *ranges, uint64_t at, uint64_t *ret_from, uint64_t *ret_to)
{
	struct image_file *image = container_of(ranges, struct image_file, data);
	return folder_data_after(image->folder, image->file, at, ret_from, ret_to);
}

void image_file_split(const char *path, char folder[IMAGE_PATH], const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	snprintf(folder, IMAGE_PATH, "%.*s", slash > path ? (int)(slash - path) : 1, path);
	*ret_name = slash + 1;
}

/* Where a path leads: volumes are known by links to devices that change their names. */
static const char *real_path(const char *path, char real[PATH_MAX])
{
	return realpath(path, real) ? real : path;
}

bool image_file_is(struct files *files, const char *path)
{
	OWN(folder_close_own) struct folder *folder = NULL;
	struct files_meta meta;
	char real[PATH_MAX], parent[IMAGE_PATH];
	const char *name;
	image_file_split(real_path(path, real), parent, &name);
	return *name && files_open(files, parent, &folder) == 0 &&
		folder_meta(folder, name, &meta) == 0 &&
		(meta.type == FILES_FILE || meta.type == FILES_BLOCK);
}

static int open_in(struct image_file *image, const char *name, unsigned flags)
{
	int err = folder_meta(image->folder, name, &image->meta);
	if (!err && image->meta.type != FILES_FILE && image->meta.type != FILES_BLOCK)
		err = -EINVAL;
	if (err)
		return err;
	err = folder_open(image->folder, name, flags, &image->file);
	if (err == -EINVAL && flags & FILE_DIRECT)
		err = folder_open(
			image->folder, name, flags & ~(unsigned)FILE_DIRECT, &image->file);
	return err ? err : file_size(image->file, &image->size);
}

int image_file_open(struct files *files, const char *path, unsigned flags,
	struct image_file *ret_image, struct why *why)
{
	struct image_file image = {.data.next = next_data};
	char real[PATH_MAX], folder[IMAGE_PATH];
	const char *name;
	image_file_split(real_path(path, real), folder, &name);
	int err = files_open(files, folder, &image.folder);
	if (!err)
		err = open_in(&image, name, flags);
	if (err) {
		image_file_done(&image);
		if (err == -EBUSY)
			return why_set(why, err, "%s: it is mounted, or otherwise in use", path);
		if (err == -EINVAL)
			return why_set(
				why, err, "%s: it is neither a file nor a block device", path);
		return why_errno(why, err, "%s", path);
	}
	*ret_image = image;
	return 0;
}

void image_file_done(struct image_file *image)
{
	file_close(image->file);
	folder_close(image->folder);
	image->file = NULL;
	image->folder = NULL;
}
