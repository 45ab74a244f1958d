/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's view of its sim_disk: asks the fault rules before each operation, keeps what is open, so
 * that a death can close it, and answers -EIO from the moment of death.
 *
 * The rules' answer reaches the disk by its hook, because the disk must know that a sync failed:
 * what it covered is then lost. A crash by a rule falls before or after the operation's effect.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/hash.h"
#include "base/own.h"
#include "sim/disk.h"
#include "sim/parts.h"

struct node_file {
	struct file base;
	struct file *inner;
	struct node_disk *disk;
	struct node_file *next, **at;
	char name[];
};

static struct node_disk *of_disk(struct disk *disk)
{
	return container_of(disk, struct node_disk, base);
}

static struct node_file *of_file(struct file *file)
{
	return container_of(file, struct node_file, base);
}

static int answer_hook(void *arg, enum sim_op op, const char *name, bool done)
{
	(void)op;
	(void)name;
	const struct node_disk *disk = arg;
	return done ? 0 : disk->answer;
}

/* 0: go on; -EIO: the node is dead and nothing happens. */
static int enter(struct node_disk *disk, enum sim_op op, const char *name)
{
	struct sim_node *node = disk->node;
	disk->answer = 0;
	struct verdict verdict = fault_ask(node, FAULT_DISK, (int)op, name);
	if (!node_alive(node))
		return -EIO;
	bool counts = op == SIM_READ || op == SIM_WRITE;
	if (verdict.effect == FAULT_FAIL || (verdict.effect == FAULT_SHORT && counts))
		disk->answer = (int)verdict.value;
	return 0;
}

static ssize_t leave(struct node_disk *disk, enum sim_op op, const char *name, ssize_t result)
{
	struct sim_node *node = disk->node;
	trace_fold(node->sim, hash64(name, strlen(name), op));
	trace_fold(node->sim, (uint64_t)result);
	if (node->end != END_NONE)
		node_die(node, node->end);
	return node_alive(node) ? result : -EIO;
}

/* Runs `call` between the two and answers as the operation of the seam does. */
#define GUARDED(disk, op, name, call) \
	({ \
		ssize_t result_ = enter((disk), (op), (name)); \
		if (!result_) \
			result_ = leave((disk), (op), (name), (call)); \
		result_; \
	})

static ssize_t node_read_at(struct file *base, void *bytes, size_t len, uint64_t at)
{
	struct node_file *file = of_file(base);
	return GUARDED(file->disk, SIM_READ, file->name, file_read_at(file->inner, bytes, len, at));
}

static ssize_t node_write_at(struct file *base, const void *bytes, size_t len, uint64_t at)
{
	struct node_file *file = of_file(base);
	return GUARDED(
		file->disk, SIM_WRITE, file->name, file_write_at(file->inner, bytes, len, at));
}

static int node_sync(struct file *base)
{
	struct node_file *file = of_file(base);
	return (int)GUARDED(file->disk, SIM_SYNC, file->name, file_sync(file->inner));
}

static int node_truncate(struct file *base, uint64_t size)
{
	struct node_file *file = of_file(base);
	return (int)GUARDED(file->disk, SIM_TRUNCATE, file->name, file_truncate(file->inner, size));
}

static int node_size(struct file *base, uint64_t *ret_size)
{
	struct node_file *file = of_file(base);
	return node_alive(file->disk->node) ? file_size(file->inner, ret_size) : -EIO;
}

static int node_lock(struct file *base)
{
	struct node_file *file = of_file(base);
	return (int)GUARDED(file->disk, SIM_LOCK, file->name, file_lock(file->inner));
}

static void node_file_close(struct file *base)
{
	struct node_file *file = of_file(base);
	*file->at = file->next;
	if (file->next)
		file->next->at = file->at;
	file_close(file->inner);
	free(file);
}

static const struct file_ops node_file_ops = {
	.read_at = node_read_at,
	.write_at = node_write_at,
	.sync = node_sync,
	.truncate = node_truncate,
	.size = node_size,
	.lock = node_lock,
	.close = node_file_close,
};

static struct disk *inner_of(struct node_disk *disk)
{
	return sim_disk_seam(disk->node->stored);
}

static int node_open(struct disk *base, const char *name, unsigned flags, struct file **ret_file)
{
	struct node_disk *disk = of_disk(base);
	size_t len = strlen(name) + 1;
	OWN(own_free) struct node_file *file = malloc(sizeof(*file) + len);
	if (!file)
		return -ENOMEM;
	memcpy(file->name, name, len);
	file->inner = NULL;
	enum sim_op op = flags & FILE_CREATE ? SIM_CREATE : SIM_OPEN;
	int err = (int)GUARDED(
		disk, op, name, disk_open(inner_of(disk), name, flags, &file->inner));
	if (err) {
		file_close(file->inner); /* opened, but the node died of it */
		return err;
	}
	file->base.ops = &node_file_ops;
	file->disk = disk;
	file->next = disk->files;
	file->at = &disk->files;
	if (file->next)
		file->next->at = &file->next;
	disk->files = file;
	*ret_file = &TAKE(file)->base;
	return 0;
}

static int node_rename(struct disk *base, const char *from, const char *to)
{
	struct node_disk *disk = of_disk(base);
	return (int)GUARDED(disk, SIM_RENAME, to, disk_rename(inner_of(disk), from, to));
}

static int node_unlink(struct disk *base, const char *name)
{
	struct node_disk *disk = of_disk(base);
	return (int)GUARDED(disk, SIM_UNLINK, name, disk_unlink(inner_of(disk), name));
}

static int node_mkdir(struct disk *base, const char *name)
{
	struct node_disk *disk = of_disk(base);
	return (int)GUARDED(disk, SIM_MKDIR, name, disk_mkdir(inner_of(disk), name));
}

static int node_rmdir(struct disk *base, const char *name)
{
	struct node_disk *disk = of_disk(base);
	return (int)GUARDED(disk, SIM_RMDIR, name, disk_rmdir(inner_of(disk), name));
}

static int node_sync_dir(struct disk *base, const char *dir)
{
	struct node_disk *disk = of_disk(base);
	return (int)GUARDED(disk, SIM_SYNC_DIR, dir, disk_sync_dir(inner_of(disk), dir));
}

static int node_list(struct disk *base, const char *dir, disk_list_fn *fn, void *arg)
{
	struct node_disk *disk = of_disk(base);
	return (int)GUARDED(disk, SIM_LIST, dir, disk_list(inner_of(disk), dir, fn, arg));
}

static const struct disk_ops node_disk_ops = {
	.open = node_open,
	.rename = node_rename,
	.unlink = node_unlink,
	.mkdir = node_mkdir,
	.rmdir = node_rmdir,
	.sync_dir = node_sync_dir,
	.list = node_list,
};

void node_disk_init(struct node_disk *disk, struct sim_node *node)
{
	*disk = (struct node_disk){.base.ops = &node_disk_ops, .node = node};
	sim_disk_set_hook(node->stored, answer_hook, disk);
}

void node_disk_close_all(struct node_disk *disk)
{
	while (disk->files)
		node_file_close(&disk->files->base);
}
