/* SPDX-License-Identifier: Apache-2.0 */
/* Open files of the simulated disk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "sim/disk_inner.h"

static struct sim_file *of_file(struct file *file)
{
	return container_of(file, struct sim_file, file);
}

/* The size up to which the file may grow. */
static uint64_t size_limit(const struct sim_disk *sim, const struct inode *inode)
{
	uint64_t left = sim_space_left(sim);
	return left == UINT64_MAX ? left : sim_in_sectors(inode->size) + left;
}

static struct inode *inode_of(const struct sim_file *file)
{
	must(file->open);
	return file->sim->inodes.at[file->inode];
}

static bool aligned(const struct sim_file *file, const void *bytes, size_t len, uint64_t at)
{
	if (!(file->flags & FILE_DIRECT))
		return true;
	return ((uintptr_t)bytes | len | at) % DISK_BLOCK == 0;
}

/* What a hook's answer leaves of a length; a direct file is cut at sectors. */
static size_t cut(const struct sim_file *file, size_t len, int answer)
{
	size_t most = (size_t)answer;
	if (file->flags & FILE_DIRECT)
		most = most < SIM_SECTOR ? SIM_SECTOR : most / SIM_SECTOR * SIM_SECTOR;
	return answer > 0 && most < len ? most : len;
}

static ssize_t sim_read_at(struct file *base, void *bytes, size_t len, uint64_t at)
{
	struct sim_file *file = of_file(base);
	struct inode *inode = inode_of(file);
	if (!(file->flags & FILE_READ))
		return -EBADF;
	if (!aligned(file, bytes, len, at) || at > INT64_MAX)
		return -EINVAL;
	int answer = sim_enter(file->sim, SIM_READ, file->name);
	ssize_t n = answer < 0 ? answer : inode_read(inode, bytes, cut(file, len, answer), at);
	sim_leave(file->sim, SIM_READ, file->name, 0);
	return n;
}

static ssize_t write_some(struct sim_file *file, const void *bytes, size_t len, uint64_t at)
{
	struct inode *inode = inode_of(file);
	if (len == 0)
		return 0;
	uint64_t limit = size_limit(file->sim, inode);
	if (at >= limit)
		return -ENOSPC;
	if (len > limit - at)
		len = (size_t)(limit - at);
	int err = inode_write(inode, bytes, len, at);
	return err ? err : (ssize_t)len;
}

static ssize_t sim_write_at(struct file *base, const void *bytes, size_t len, uint64_t at)
{
	struct sim_file *file = of_file(base);
	if (!(file->flags & FILE_WRITE))
		return -EBADF;
	if (!aligned(file, bytes, len, at) || at > INT64_MAX)
		return -EINVAL;
	int answer = sim_enter(file->sim, SIM_WRITE, file->name);
	ssize_t n = answer < 0 ? answer : write_some(file, bytes, cut(file, len, answer), at);
	sim_leave(file->sim, SIM_WRITE, file->name, 0);
	return n;
}

static int sim_sync(struct file *base)
{
	struct sim_file *file = of_file(base);
	struct inode *inode = inode_of(file);
	int err = sim_enter(file->sim, SIM_SYNC, file->name);
	if (err < 0)
		inode_lose(inode);
	else
		inode_sync(inode);
	return sim_leave(file->sim, SIM_SYNC, file->name, err < 0 ? err : 0);
}

static int sim_truncate(struct file *base, uint64_t size)
{
	struct sim_file *file = of_file(base);
	struct inode *inode = inode_of(file);
	if (!(file->flags & FILE_WRITE))
		return -EINVAL;
	int err = sim_enter(file->sim, SIM_TRUNCATE, file->name);
	if (err >= 0) {
		bool fits = size <= inode->size || size <= size_limit(file->sim, inode);
		err = fits ? inode_truncate(inode, size) : -ENOSPC;
	}
	return sim_leave(file->sim, SIM_TRUNCATE, file->name, err);
}

static int sim_size(struct file *base, uint64_t *ret_size)
{
	*ret_size = inode_of(of_file(base))->size;
	return 0;
}

static int sim_lock(struct file *base)
{
	struct sim_file *file = of_file(base);
	struct inode *inode = inode_of(file);
	int err = sim_enter(file->sim, SIM_LOCK, file->name);
	if (err >= 0) {
		bool taken = inode->locked_by && inode->locked_by != file;
		err = taken ? -EWOULDBLOCK : 0;
	}
	if (err == 0)
		inode->locked_by = file;
	return sim_leave(file->sim, SIM_LOCK, file->name, err);
}

static void sim_close(struct file *base)
{
	struct sim_file *file = of_file(base);
	struct inode *inode = inode_of(file);
	if (inode->locked_by == file)
		inode->locked_by = NULL;
	inode->opens--;
	file->open = false;
	inode_unref(file->sim, file->inode);
}

static const struct file_ops file_ops = {
	.read_at = sim_read_at,
	.write_at = sim_write_at,
	.sync = sim_sync,
	.truncate = sim_truncate,
	.size = sim_size,
	.lock = sim_lock,
	.close = sim_close,
};

struct sim_file *sim_file_new(struct sim_disk *sim, const char *name)
{
	struct sim_file *file = NULL;
	vec_each (other, &sim->files)
		if (!(*other)->open)
			file = *other;
	if (!file) {
		file = calloc(1, sizeof(*file));
		if (!file || vec_push(&sim->files, file)) {
			free(file);
			return NULL;
		}
		file->file.ops = &file_ops;
		file->sim = sim;
	}
	size_t len = strlen(name) + 1;
	if (file->name_cap < len) {
		char *grown = realloc(file->name, len);
		if (!grown)
			return NULL;
		file->name = grown;
		file->name_cap = len;
	}
	memcpy(file->name, name, len);
	return file;
}
