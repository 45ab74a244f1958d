/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor, and how far it has been read or written. */
#include "os/linux/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/container.h"
#include "os/disk.h"

struct linux_pipe {
	struct file base;
	int fd;
	uint64_t at;
};

static struct linux_pipe *pipe_of(struct file *file)
{
	return container_of(file, struct linux_pipe, base);
}

static ssize_t pipe_read(struct file *file, void *bytes, size_t len, uint64_t at)
{
	struct linux_pipe *pipe = pipe_of(file);
	ssize_t n;
	if (at != pipe->at)
		return -ESPIPE;
	do
		n = read(pipe->fd, bytes, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	pipe->at += (uint64_t)n;
	return n;
}

static ssize_t pipe_write(struct file *file, const void *bytes, size_t len, uint64_t at)
{
	struct linux_pipe *pipe = pipe_of(file);
	ssize_t n;
	if (at != pipe->at)
		return -ESPIPE;
	do
		n = write(pipe->fd, bytes, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	pipe->at += (uint64_t)n;
	return n;
}

static int no_such_thing(struct file *file)
{
	(void)file;
	return -ESPIPE;
}

static int pipe_truncate(struct file *file, uint64_t size)
{
	(void)file;
	(void)size;
	return -ESPIPE;
}

static int pipe_size(struct file *file, uint64_t *ret_size)
{
	(void)file;
	(void)ret_size;
	return -ESPIPE;
}

static void pipe_close(struct file *file)
{
	close(pipe_of(file)->fd);
	free(pipe_of(file));
}

static const struct file_ops pipe_ops = {
	.read_at = pipe_read,
	.write_at = pipe_write,
	.sync = no_such_thing,
	.truncate = pipe_truncate,
	.size = pipe_size,
	.lock = no_such_thing,
	.close = pipe_close,
};

int linux_pipe_file(int fd, struct file **ret_file)
{
	struct linux_pipe *pipe = malloc(sizeof(*pipe));
	if (!pipe) {
		close(fd);
		return -ENOMEM;
	}
	*pipe = (struct linux_pipe){.base.ops = &pipe_ops, .fd = fd};
	*ret_file = &pipe->base;
	return 0;
}

static int copy_of(int fd, struct file **ret_file)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy < 0 ? -errno : linux_pipe_file(copy, ret_file);
}

int linux_input_file(struct file **ret_file)
{
	return copy_of(STDIN_FILENO, ret_file);
}

int linux_output_file(struct file **ret_file)
{
	return copy_of(STDOUT_FILENO, ret_file);
}
