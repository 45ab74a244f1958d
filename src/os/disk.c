/* SPDX-License-Identifier: Apache-2.0 */
/* What every disk has in common: whole reads and writes, and names that stay beneath the root. */
#include "os/disk.h"

#include <errno.h>
#include <string.h>

int file_read_full(struct file *file, void *bytes, size_t len, uint64_t at)
{
	char *to = bytes;
	while (len) {
		ssize_t n = file_read_at(file, to, len, at);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -ENODATA;
		to += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int file_write_full(struct file *file, const void *bytes, size_t len, uint64_t at)
{
	const char *from = bytes;
	while (len) {
		ssize_t n = file_write_at(file, from, len, at);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -EIO;
		from += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

bool disk_name_ok(const char *name)
{
	do {
		size_t len = strcspn(name, "/");
		if (len == 0 || len > DISK_NAME_MAX)
			return false;
		if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
			return false;
		name += len;
	} while (*name++ == '/');
	return true;
}
