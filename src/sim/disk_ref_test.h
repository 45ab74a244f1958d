/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of the simulated disk written a second time: short, slow, and made in another way. The
 * whole history of names from the empty disk on, of which every subset that the rules allow is
 * replayed, and whole arrays for bytes. For tests only; one thread.
 */
#ifndef EBB_SIM_DISK_REF_TEST_H
#define EBB_SIM_DISK_REF_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "sim/disk.h"

enum {
	SECTORS = 3,
	MOST = SECTORS * SIM_SECTOR,
	OBJECTS = 40,
	CHANGES = 48,
	VERSIONS = 48,
	NAMES = 3,
	HELD = 2,
	NOTHING = -1,
};

extern const char *const ref_names[NAMES];

struct ref_file {
	uint8_t now[MOST];
	uint64_t size;
	/* what a crash may leave; [0] is durable */
	uint8_t sector[SECTORS][VERSIONS][SIM_SECTOR];
	int sectors[SECTORS];
	bool sector_lost[SECTORS];
	uint64_t sizes[VERSIONS];
	int size_count;
	bool size_lost;
};

struct ref_change {
	int count; /* slots: one, for a rename two */
	int dir[2], name[2], object[2];
	int makes, empties;
	bool moves_dir, synced, lost;
};

struct ref {
	struct ref_change changes[CHANGES];
	int change_count;
	struct ref_file files[OBJECTS];
	bool is_dir[OBJECTS];
	int object_count; /* 0 is the root */
};

/* Which object each name of each folder is. */
typedef int ref_tree[OBJECTS][NAMES];

/* Images by their numbers. */
struct set {
	VEC(uint64_t) at;
};

void set_add(struct set *set, uint64_t image);
/* In order, each once. */
void set_sort(struct set *set);

void ref_write(struct ref_file *file, uint64_t at, uint64_t len, const uint8_t *bytes);
void ref_truncate(struct ref_file *file, uint64_t size);
void ref_sync(struct ref_file *file);
/* A sync that failed. */
void ref_lose(struct ref_file *file);
/* The folder's names become durable, or with `lose` their sync fails. */
void ref_sync_dir(struct ref *ref, int dir, bool lose);

/* Names as they are now. */
void ref_tree_now(const struct ref *ref, ref_tree at);

/* Every image that a crash may leave. */
void ref_images(const struct ref *ref, struct set *images);

/* What a reader meets now. */
uint64_t ref_now(const struct ref *ref);

/* The numbers of which those of images are made; an image's is the sum of its entries. */
uint64_t ref_content(const uint8_t *bytes, uint64_t size);
uint64_t ref_path(uint64_t above, const char *name);
uint64_t ref_entry(uint64_t path, bool is_dir, uint64_t content);

#endif
