/* SPDX-License-Identifier: Apache-2.0 */
/* Opening places by their names. */
#include "ebb/open_place.h"

#include <errno.h>

#include "base/why.h"
#include "ebb/call.h"
#include "ebb/keep.h"
#include "os/files.h"
#include "os/linux/files.h"
#include "place/dir.h"
#include "place/place.h"
#include "place/url.h"

void open_place_done(struct open_place *open)
{
	place_close(open->place);
	open->place = NULL;
	if (open->disk_open)
		linux_disk_done(&open->disk);
	open->disk_open = false;
}

static int open_folder(const char *path, bool make, struct open_place *open, struct why *why)
{
	struct files files = linux_files();
	struct folder *there;
	int err = files_open(&files, path, &there);
	if (!err)
		folder_close(there);
	if (err && !(make && err == -ENOENT))
		return why_errno(why, err == -ENOTDIR ? -ENOENT : err, "there is no repository");
	err = linux_disk_init(&open->disk, path, why);
	if (err)
		return err;
	open->disk_open = true;
	err = place_dir_open(&open->disk.base, &open->place);
	return err ? why_errno(why, err, "opening the folder") : 0;
}

int open_place(const struct call *call, const char *url, bool make, struct open_place *ret_open,
	struct why *why)
{
	struct place_url where;
	char path[KEEP_PATH];
	*ret_open = (struct open_place){0};
	int err = place_url_read(url, &where, why);
	if (err)
		return err;
	if (!keep_absolute(call, where.path, path))
		return why_set(why, -EINVAL, "the path is too long");
	return open_folder(path, make, ret_open, why);
}
