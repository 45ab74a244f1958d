/* SPDX-License-Identifier: Apache-2.0 */
/* Reading small files whole. */
#include "os/linux/textfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "os/linux/fd.h"

/* A file, or a pipe or terminal to read to its end; /dev/null says "nothing". */
static int open_plain(const char *path, int *ret_fd, struct why *why)
{
	struct stat about;
	/* Without O_NONBLOCK, opening a named pipe that nobody writes to would wait for ever. */
	OWN(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &about) < 0)
		return why_errno(why, -errno, "%s", path);
	if (S_ISDIR(about.st_mode))
		return why_set(why, -EISDIR, "%s: is a folder, not a file", path);
	if (S_ISBLK(about.st_mode))
		return why_set(why, -EINVAL, "%s: is a device, not a file", path);
	if (fcntl(fd, F_SETFL, 0) < 0)
		return why_errno(why, -errno, "%s", path);
	*ret_fd = fd_take(&fd);
	return 0;
}

int textfile_read(const char *path, size_t max, char **ret_text, size_t *ret_len, struct why *why)
{
	OWN(fd_close) int fd = -1;
	OWN(str_done) struct str text = {0};
	int err = open_plain(path, &fd, why);
	if (err)
		return err;
	for (;;) {
		char part[4096];
		ssize_t got = read(fd, part, sizeof(part));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return why_errno(why, -errno, "%s", path);
		if (got == 0)
			break;
		if (text.len + (size_t)got > max)
			return why_set(why, -EFBIG, "%s: is longer than %zu bytes", path, max);
		str_add_bytes(&text, part, (size_t)got);
	}
	size_t len = text.len;
	char *whole = str_take(&text);
	if (!whole)
		return why_errno(why, -ENOMEM, "%s", path);
	*ret_text = whole;
	*ret_len = len;
	return 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int textfile_list(
	const char *folder, bool (*fn)(void *arg, const char *name), void *arg, struct why *why)
{
	OWN(close_dir) DIR *dir = opendir(folder);
	if (!dir)
		return why_errno(why, -errno, "%s", folder);
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (!entry && errno)
			return why_errno(why, -errno, "%s", folder);
		if (!entry)
			return 0;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (!fn(arg, entry->d_name))
			return 0;
	}
}
