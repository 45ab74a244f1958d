/* SPDX-License-Identifier: Apache-2.0 */
/* The seam of the simulated disk: checks what a kernel would check, asks the hook, then acts. */
#include "sim/disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "sim/disk_inner.h"

const char *const sim_op_names[SIM_OPS] = {"open", "create", "read", "write", "sync", "truncate",
	"rename", "unlink", "mkdir", "rmdir", "sync_dir", "list", "lock"};

static struct sim_disk *of_disk(struct disk *disk)
{
	return container_of(disk, struct sim_disk, disk);
}

int sim_enter(struct sim_disk *sim, enum sim_op op, const char *name)
{
	return sim->hook ? sim->hook(sim->hook_arg, op, name, false) : 0;
}

int sim_leave(struct sim_disk *sim, enum sim_op op, const char *name, int result)
{
	if (sim->hook)
		sim->hook(sim->hook_arg, op, name, true);
	return result;
}

uint64_t sim_space_left(const struct sim_disk *sim)
{
	if (!sim->capacity)
		return UINT64_MAX;
	uint64_t used = 0;
	vec_each (inode, &sim->inodes)
		if ((*inode)->links || (*inode)->opens)
			used += sim_in_sectors((*inode)->size);
	return used < sim->capacity ? sim->capacity - used : 0;
}

static int open_place(struct sim_disk *sim, const char *name, unsigned flags,
	const struct place *place, struct file **ret_file)
{
	uint32_t number = place->inode;
	if (number != NONE && (flags & FILE_CREATE) && (flags & FILE_EXCLUSIVE))
		return -EEXIST;
	if (number == NONE && !(flags & FILE_CREATE))
		return -ENOENT;
	if (number != NONE && sim->inodes.at[number]->is_dir)
		return -EISDIR;
	if (number == NONE && sim_space_left(sim) == 0)
		return -ENOSPC;
	struct sim_file *file = sim_file_new(sim, name);
	if (!file)
		return -ENOMEM;
	int err = number == NONE ? names_create(sim, place, false, &number) : 0;
	if (err)
		return err;
	inode_ref(sim, number);
	sim->inodes.at[number]->opens++;
	file->inode = number;
	file->flags = flags;
	file->open = true;
	*ret_file = &file->file;
	return 0;
}

static int sim_open(struct disk *disk, const char *name, unsigned flags, struct file **ret_file)
{
	struct sim_disk *sim = of_disk(disk);
	struct place place;
	if (!disk_name_ok(name) || !(flags & (FILE_READ | FILE_WRITE)))
		return -EINVAL;
	int found = names_find(sim, name, &place);
	bool creates = !found && place.inode == NONE && (flags & FILE_CREATE);
	enum sim_op op = creates ? SIM_CREATE : SIM_OPEN;
	int err = sim_enter(sim, op, name);
	if (err >= 0)
		err = found ? found : open_place(sim, name, flags, &place, ret_file);
	return sim_leave(sim, op, name, err);
}

/* May `to` be replaced by `from`? */
static int rename_allowed(
	const struct sim_disk *sim, const struct place *from, const struct place *to)
{
	if (from->inode == NONE)
		return -ENOENT;
	bool dir = sim->inodes.at[from->inode]->is_dir;
	for (uint32_t up = to->dir; dir && up != ROOT;) {
		if (up == from->inode)
			return -EINVAL; /* into itself */
		uint32_t inode = up;
		up = ROOT;
		vec_each (slot, &sim->slots)
			if (slot->now == inode)
				up = slot->dir;
	}
	if (to->inode == NONE)
		return 0;
	bool to_dir = sim->inodes.at[to->inode]->is_dir;
	if (dir != to_dir)
		return dir ? -ENOTDIR : -EISDIR;
	return to_dir && !names_empty(sim, to->inode) ? -ENOTEMPTY : 0;
}

static int rename_names(struct sim_disk *sim, const char *from_name, const char *to_name)
{
	struct place from, to;
	int err = names_find(sim, from_name, &from);
	if (!err)
		err = names_find(sim, to_name, &to);
	if (!err)
		err = rename_allowed(sim, &from, &to);
	if (err || from.slot == to.slot)
		return err;
	return names_rename(sim, &from, &to);
}

static int sim_rename(struct disk *disk, const char *from, const char *to)
{
	struct sim_disk *sim = of_disk(disk);
	if (!disk_name_ok(from) || !disk_name_ok(to))
		return -EINVAL;
	int err = sim_enter(sim, SIM_RENAME, from);
	if (err >= 0)
		err = rename_names(sim, from, to);
	return sim_leave(sim, SIM_RENAME, from, err);
}

static int remove_name(struct sim_disk *sim, const char *name, bool dir)
{
	struct place place;
	int err = names_find(sim, name, &place);
	if (!err && place.inode == NONE)
		err = -ENOENT;
	if (err)
		return err;
	if (sim->inodes.at[place.inode]->is_dir != dir)
		return dir ? -ENOTDIR : -EISDIR;
	if (dir && !names_empty(sim, place.inode))
		return -ENOTEMPTY;
	return names_remove(sim, &place);
}

static int sim_unlink(struct disk *disk, const char *name)
{
	struct sim_disk *sim = of_disk(disk);
	if (!disk_name_ok(name))
		return -EINVAL;
	int err = sim_enter(sim, SIM_UNLINK, name);
	if (err >= 0)
		err = remove_name(sim, name, false);
	return sim_leave(sim, SIM_UNLINK, name, err);
}

static int sim_rmdir(struct disk *disk, const char *name)
{
	struct sim_disk *sim = of_disk(disk);
	if (!disk_name_ok(name))
		return -EINVAL;
	int err = sim_enter(sim, SIM_RMDIR, name);
	if (err >= 0)
		err = remove_name(sim, name, true);
	return sim_leave(sim, SIM_RMDIR, name, err);
}

static int make_dir(struct sim_disk *sim, const char *name)
{
	struct place place;
	uint32_t inode;
	int err = names_find(sim, name, &place);
	if (!err && place.inode != NONE)
		err = -EEXIST;
	if (!err && sim_space_left(sim) == 0)
		err = -ENOSPC;
	return err ? err : names_create(sim, &place, true, &inode);
}

static int sim_mkdir(struct disk *disk, const char *name)
{
	struct sim_disk *sim = of_disk(disk);
	if (!disk_name_ok(name))
		return -EINVAL;
	int err = sim_enter(sim, SIM_MKDIR, name);
	if (err >= 0)
		err = make_dir(sim, name);
	return sim_leave(sim, SIM_MKDIR, name, err);
}

/* A folder's inode, or -ENOENT, -ENOTDIR. */
static int64_t find_dir(const struct sim_disk *sim, const char *name)
{
	struct place place;
	int err = names_find(sim, name, &place);
	if (err)
		return err;
	if (place.inode == NONE)
		return -ENOENT;
	return sim->inodes.at[place.inode]->is_dir ? (int64_t)place.inode : -ENOTDIR;
}

static bool dir_name_ok(const char *name)
{
	return strcmp(name, ".") == 0 || disk_name_ok(name);
}

static int sim_sync_dir(struct disk *disk, const char *name)
{
	struct sim_disk *sim = of_disk(disk);
	if (!dir_name_ok(name))
		return -EINVAL;
	int err = sim_enter(sim, SIM_SYNC_DIR, name);
	int64_t dir = find_dir(sim, name);
	if (dir >= 0)
		names_sync(sim, (uint32_t)dir, err < 0);
	if (err >= 0)
		err = dir < 0 ? (int)dir : 0;
	return sim_leave(sim, SIM_SYNC_DIR, name, err);
}

/* `fn` may change the folder: what a slot says is taken out before the call. */
static void list_dir(struct sim_disk *sim, uint32_t dir, disk_list_fn *fn, void *arg)
{
	char name[DISK_NAME_MAX + 1];
	for (size_t i = 0; i < sim->slots.len; i++) {
		const struct slot *slot = &sim->slots.at[i];
		if (slot->now == NONE || slot->dir != dir)
			continue;
		memcpy(name, slot->name, slot->len);
		name[slot->len] = '\0';
		if (!fn(arg, name, sim->inodes.at[slot->now]->is_dir))
			return;
	}
}

static int sim_list(struct disk *disk, const char *name, disk_list_fn *fn, void *arg)
{
	struct sim_disk *sim = of_disk(disk);
	if (!dir_name_ok(name))
		return -EINVAL;
	int err = sim_enter(sim, SIM_LIST, name);
	if (err >= 0) {
		int64_t dir = find_dir(sim, name);
		err = dir < 0 ? (int)dir : 0;
		if (!err)
			list_dir(sim, (uint32_t)dir, fn, arg);
	}
	return sim_leave(sim, SIM_LIST, name, err);
}

static const struct disk_ops disk_ops = {
	.open = sim_open,
	.rename = sim_rename,
	.unlink = sim_unlink,
	.mkdir = sim_mkdir,
	.rmdir = sim_rmdir,
	.sync_dir = sim_sync_dir,
	.list = sim_list,
};

struct sim_disk *sim_disk_new(void)
{
	struct sim_disk *sim = calloc(1, sizeof(*sim));
	if (!sim)
		return NULL;
	sim->disk.ops = &disk_ops;
	int64_t root = inode_new(sim, true);
	if (root < 0) {
		sim_disk_free(sim);
		return NULL;
	}
	inode_ref(sim, ROOT);
	return sim;
}

void sim_disk_free(struct sim_disk *sim)
{
	if (!sim)
		return;
	vec_each (inode, &sim->inodes) {
		inode_done(*inode);
		free(*inode);
	}
	vec_each (slot, &sim->slots)
		free(slot->name);
	vec_each (file, &sim->files) {
		free((*file)->name);
		free(*file);
	}
	vec_done(&sim->inodes);
	vec_done(&sim->slots);
	vec_done(&sim->steps);
	vec_done(&sim->files);
	vec_done(&sim->stands);
	free(sim);
}

struct disk *sim_disk_seam(struct sim_disk *sim)
{
	return &sim->disk;
}

void sim_disk_set_hook(struct sim_disk *sim, sim_disk_hook *hook, void *arg)
{
	sim->hook = hook;
	sim->hook_arg = arg;
}

void sim_disk_set_capacity(struct sim_disk *sim, uint64_t bytes)
{
	sim->capacity = bytes;
}

size_t sim_disk_open_files(const struct sim_disk *sim)
{
	size_t open = 0;
	vec_each (file, &sim->files)
		open += (*file)->open;
	return open;
}
