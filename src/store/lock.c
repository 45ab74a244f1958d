/* SPDX-License-Identifier: Apache-2.0 */
/* Taking the lock that keeps a store to one owner. */
#include "store/lock.h"

#include <errno.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"
#include "store/replace.h"

int store_lock(struct disk *disk, const char *name, struct file **ret_lock, struct why *why)
{
	char path[STORE_PATH];
	OWN(file_close_own) struct file *lock = NULL;
	int err = store_path(name, ".lock", path, why);
	if (err)
		return err;
	err = disk_open(disk, path, FILE_READ | FILE_WRITE | FILE_CREATE, &lock);
	if (err)
		return why_errno(why, err, "%s: cannot be opened", path);
	err = file_lock(lock);
	if (err == -EWOULDBLOCK)
		return why_set(
			why, err, "%s: in use by another process, which holds %s", name, path);
	if (err)
		return why_errno(why, err, "%s: cannot be locked", path);
	*ret_lock = TAKE(lock);
	return 0;
}
