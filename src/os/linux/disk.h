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

/* Open files outlive it. */
void linux_disk_done(struct linux_disk *disk);

#endif
