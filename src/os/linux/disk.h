/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk: files beneath one folder, opened by openat2(2), which keeps every name beneath it.
 *
 * Any thread, between init and done.
 */
#ifndef EBB_OS_LINUX_DISK_H
#define EBB_OS_LINUX_DISK_H

#include "os/disk.h"

struct why;

struct linux_disk {
	struct disk base;
	int root_fd;
};

/* Makes the folder, mode 0700, when only its last component is missing. */
int linux_disk_init(struct linux_disk *disk, const char *root, struct why *why);

/* How large the file system of its root is, and what of it we may still fill. 0 or -errno. */
int linux_disk_space(const struct linux_disk *disk, uint64_t *ret_size, uint64_t *ret_free);

/* Open files outlive it. */
void linux_disk_done(struct linux_disk *disk);

#endif
