/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the simulated disk share: its files' bytes with their older versions
 * (disk_bytes.c), its names with their pending changes (disk_names.c), crashes (disk_crash.c), and
 * the seam in front of all (disk.c, disk_file.c). Nobody else includes this.
 *
 * One thread.
 *
 * Inodes, slots and steps are named by their number in the disk. A crash keeps the numbers: the
 * inode 5 of a disk is the inode 5 of the disk that its crash left.
 */
#ifndef EBB_SIM_DISK_INNER_H
#define EBB_SIM_DISK_INNER_H

#include "base/vec.h"
#include "sim/disk.h"

enum { ROOT = 0 }; /* the inode of the root folder */
enum { NONE = UINT32_MAX };

/* What a sector held before a write that is not durable yet. */
struct version {
	uint8_t bytes[SIM_SECTOR];
	uint64_t hash;
	uint32_t before; /* the version before it; NONE: this is the durable one */
};

/* A sector whose latest bytes are not durable. */
struct pending {
	uint64_t sector;
	uint64_t hash;    /* of the latest bytes */
	uint32_t newest;  /* stored version; the file's own bytes come after it */
	uint32_t options; /* that a crash has: the stored ones and the latest */
	bool lost;        /* a failed sync covered it: only another write can make it durable */
};

struct inode {
	bool is_dir;
	uint32_t refs;  /* slots, steps and open files that name it; 0: free for another */
	uint32_t links; /* slots that show it now */
	uint32_t opens;
	const struct sim_file *locked_by;
	/* scratch of names_walk() */
	bool unborn;  /* a folder whose making is undone */
	bool blocked; /* a folder in which some change is undone */
	bool reached;
	/* a file's content */
	uint64_t size;
	uint8_t *bytes; /* zero at and after max(size, stale); what is beyond `cap` is zero too */
	size_t cap;
	uint64_t stale; /* bytes from `size` up to here may still be those before a truncation */
	bool size_lost; /* a failed sync covered the sizes */
	VEC(struct pending) pendings;
	VEC(struct version) versions;
	/* that a crash may leave, the durable one first, `size` last; empty: only `size` */
	VEC(uint64_t) sizes;
	uint32_t *pending_of; /* by sector: its place in `pendings` + 1 */
	size_t pending_cap;
};

/* A place for a name in a folder. Free for another when nothing names or shows an inode by it. */
struct slot {
	uint64_t hash;
	uint32_t dir;
	uint32_t now, durable; /* inode or NONE */
	uint32_t steps;        /* pending ones that change it */
	bool blocked;          /* scratch of names_walk(): some earlier change of it is undone */
	uint16_t len;
	char *name;
	size_t name_cap;
};

/* One pending change of names. */
struct step {
	uint32_t slot[2]; /* the second may be NONE */
	uint32_t to[2];   /* what they show after it */
	uint32_t makes;   /* folder that it brings into being, or NONE */
	uint32_t empties; /* folder that it removes, or NONE */
	bool moves_dir;
	bool synced;  /* durable as soon as all that it builds on is */
	bool lost;    /* a failed sync covered it: no other makes it durable */
	bool marked;  /* scratch of names_sync() */
	bool settled; /* scratch of names_sync(): lost, but all its names were set anew */
};

struct sim_file {
	struct file file;
	struct sim_disk *sim;
	uint32_t inode;
	unsigned flags;
	bool open;
	char *name;
	size_t name_cap;
};

struct sim_disk {
	struct disk disk;
	sim_disk_hook *hook;
	void *hook_arg;
	uint64_t capacity;
	uint64_t image;
	VEC(struct inode *) inodes;
	VEC(struct slot) slots;
	VEC(struct step) steps; /* in the order in which they happened */
	VEC(struct sim_file *) files;
	VEC(bool) stands; /* scratch of names_walk(): by step, whether it is applied */
};

/* disk.c: tells the hook that an operation begins, and answers what it says; and that it ended. */
int sim_enter(struct sim_disk *sim, enum sim_op op, const char *name);
int sim_leave(struct sim_disk *sim, enum sim_op op, const char *name, int result);

/* Bytes that are still free; UINT64_MAX when there is no limit. */
uint64_t sim_space_left(const struct sim_disk *sim);

static inline uint64_t sim_in_sectors(uint64_t size)
{
	return (size + SIM_SECTOR - 1) / SIM_SECTOR * SIM_SECTOR;
}

/* disk_file.c: gives a handle that is not open yet, one closed before or a new one. NULL: no
 * memory.
 */
struct sim_file *sim_file_new(struct sim_disk *sim, const char *name);

/* disk_bytes.c: one file. 0 (or a count), or -ENOMEM with nothing changed. */
ssize_t inode_read(const struct inode *inode, void *bytes, size_t len, uint64_t at);
int inode_write(struct inode *inode, const void *bytes, size_t len, uint64_t at);
int inode_truncate(struct inode *inode, uint64_t size);
void inode_sync(struct inode *inode);
void inode_lose(struct inode *inode); /* a sync that failed */
void inode_clear(struct inode *inode);
void inode_done(struct inode *inode);

/* Zeroed room for `size` bytes: 0, -ENOMEM. */
int inode_reserve(struct inode *inode, uint64_t size);

/* disk_names.c */
struct place {
	uint32_t dir;
	uint32_t slot;  /* NONE: the name was never there */
	uint32_t inode; /* NONE: nothing is there now */
	const char *leaf;
	size_t len;
};

/* Walks a path: 0, -ENOENT, -ENOTDIR; the last component may be missing. "." has no slot. */
int names_find(const struct sim_disk *sim, const char *path, struct place *ret_place);

/* Makes a new inode with no reference: its number, or -ENOMEM. */
int64_t inode_new(struct sim_disk *sim, bool is_dir);
void inode_ref(struct sim_disk *sim, uint32_t number);
void inode_unref(struct sim_disk *sim, uint32_t number);

int names_create(struct sim_disk *sim, const struct place *place, bool is_dir, uint32_t *ret_inode);
int names_remove(struct sim_disk *sim, const struct place *place);
int names_rename(struct sim_disk *sim, const struct place *from, const struct place *to);
bool names_empty(const struct sim_disk *sim, uint32_t dir);

/* Durable from now on; `lose`: gone with the next crash instead. */
void names_sync(struct sim_disk *sim, uint32_t dir, bool lose);

/*
 * Which steps are applied: the durable ones, and of the others those that `choose` (NULL: none)
 * answers with 1. Answers in scratch->stands and leaves marks in the slots and inodes of `scratch`,
 * which has as many as `sim` and may be the same.
 */
int names_walk(const struct sim_disk *sim, sim_choose *choose, void *arg, struct sim_disk *scratch);

int names_reserve(struct sim_disk *sim, size_t inodes, size_t slots);
uint64_t names_hash(uint32_t dir, const char *leaf, size_t len);

#endif
