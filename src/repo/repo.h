/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One repository on one place: opened with a key, read by digest, written through a writer that
 * ends in a new head. What it promises stands in docs/FORMATS-REPOSITORY.md.
 *
 * Calls block. One thread for each struct.
 */
#ifndef EBB_REPO_REPO_H
#define EBB_REPO_REPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "chunk/digest.h"
#include "chunk/keys.h"
#include "repo/gc.h"
#include "repo/head.h"
#include "repo/point.h"
#include "repo/slot.h"

struct clock;
struct crew;
struct dice;
struct disk;
struct place;
struct why;

/* All borrowed, for as long as the repository is open. */
struct repo_world {
	struct place *place;
	struct dice *dice;
	struct clock *clock;
	struct crew *crew; /* names and compresses; NULL: done by the caller's thread */
	/*
	 * Carry packs to the place, as many at once as they have hands; NULL: the caller's thread.
	 * Not the same as `crew`: they wait, and have nothing to compute.
	 */
	struct crew *carriers;
	/*
	 * A folder of this machine, for the user alone, where the index lies instead of in memory;
	 * NULL: in memory.
	 */
	struct disk *cache;
	bool cache_fleeting; /* nothing is to stay in it */
	/* Open it also when indexes cannot be read: for repo_rebuild(), and nothing else. */
	bool without_index;
};

struct repo_options {
	unsigned parity_percent;     /* 1 .. 100 */
	uint32_t pack_size;          /* bytes, 0: PACK_SIZE */
	const char *label;           /* words for people */
	uint64_t reserve;            /* bytes kept aside for the first collection; 0: none */
	const struct key_ring *ring; /* the keys of another repository, for its twin; NULL: fresh */
	struct passphrase_cost cost; /* zeros: the floor */
};

/* Room kept aside at places that can be full, so that a collection can still be written. */
enum { REPO_RESERVE = 4 << 20 };

/* The format that is written and read; any other is refused with what it needs. */
enum { REPO_FORMAT = 1 };

struct repo;

/*
 * Makes a repository and gives its secret to keep. -EEXIST when the place holds one.
 */
int repo_init(const struct repo_world *world, const struct repo_options *options,
	uint8_t ret_secret[SECRET_SIZE], struct why *why);

/* The same for a secret or a passphrase that somebody has chosen. */
int repo_init_with(const struct repo_world *world, const struct repo_options *options,
	const struct unlock *unlock, struct why *why);

/*
 * Opens it. -ENOENT: no repository here; -EACCES: the key is none of its keys; -EBADMSG: damaged
 * beyond repair; -ESTALE: its generation is below `seen`, so it was rolled back. Gives the repo.
 */
int repo_open(const struct repo_world *world, const uint8_t secret[SECRET_SIZE], uint64_t seen,
	struct repo **ret_repo, struct why *why);
int repo_open_with(const struct repo_world *world, const struct unlock *unlock, uint64_t seen,
	struct repo **ret_repo, struct why *why);
void repo_close(struct repo *repo);

/* The newest head: its points are the recovery points. Borrowed until the next commit. */
const struct head *repo_head(const struct repo *repo);
const struct object_id *repo_id(const struct repo *repo);
struct place *repo_place(const struct repo *repo);
/* The key with which it was opened. */
const struct object_id *repo_key_id(const struct repo *repo);
const struct key_ring *repo_ring(const struct repo *repo);

/* The point's own words. -ENOENT, -EBADMSG. */
int repo_point(
	struct repo *repo, const struct object_id *id, struct point *ret_point, struct why *why);

/*
 * A chunk's bytes, checked against its digest. Gives the bytes. What is damaged is mended from its
 * pack's parity in memory and counted; -EBADMSG when that does not help, -ENOENT when no index
 * knows the chunk.
 */
int repo_chunk(struct repo *repo, const struct digest *digest, enum chunk_kind kind,
	uint8_t **ret_bytes, size_t *ret_len, struct why *why);

/* How long a chunk is, without reading it. False: no index knows it. */
bool repo_chunk_len(const struct repo *repo, const struct digest *digest, size_t *ret_len);

/* In which pack a chunk is. 1, 0: no index knows it, or an error of the index. */
int repo_chunk_pack(
	const struct repo *repo, const struct digest *digest, struct object_id *ret_pack);

/* The name that these bytes would have here. 0 or -EIO. */
int repo_digest(struct repo *repo, enum chunk_kind kind, const void *bytes, size_t len,
	struct digest *ret_digest);

bool repo_has(const struct repo *repo, const struct digest *digest);

/* Objects that were damaged and mended while they were read. */
uint64_t repo_mended(const struct repo *repo);

/* ---- writing: packs, then index, then point, then head ---- */

/*
 * Stores one chunk unless it is known: names it, compresses it, puts it into a pack, and the pack
 * to the place when it is full.
 */
int repo_put_chunk(struct repo *repo, enum chunk_kind kind, const void *bytes, size_t len,
	struct digest *ret_digest, struct why *why);

/* Names of chunks in order. */
struct digest_list {
	struct digest *at;
	size_t len, cap;
};

/* Lends room for a chunk of at most `len` bytes. Two are lent at most. */
int repo_room(struct repo *repo, size_t len, uint8_t **ret_room, struct why *why);
void repo_room_back(struct repo *repo, uint8_t *room);

/*
 * The same for content in such a room, named by the crew meanwhile: the list has one name more,
 * which stands there after repo_settle(). The list itself stays where it is until then. *room is
 * NULL afterwards where the room went along; its bytes can be read until the next call.
 */
int repo_put_content(
	struct repo *repo, uint8_t **room, size_t len, struct digest_list *list, struct why *why);
int repo_settle(struct repo *repo, struct why *why);

struct repo_written {
	uint64_t new_chunks, new_bytes; /* plain, what was not known before */
	uint64_t written_bytes;         /* to the place, parity included */
	uint64_t dense_bytes;           /* of new_bytes, what does not compress */
	uint64_t adopted_packs;         /* of a run that was ended: nothing in them is sent again */
};

struct repo_written repo_written(const struct repo *repo);

/*
 * Closes the packs, and makes the point exist. Fills its id and written_bytes. -ESTALE: a
 * collection removed what this writer relied on, so the run has to begin anew.
 */
int repo_commit(struct repo *repo, struct point *point, struct why *why);

/*
 * From now on nobody can remove what a committed point needs before that moment (wall time), where
 * the place keeps locks; where it does not, a commit answers -EOPNOTSUPP.
 */
void repo_lock_commits(struct repo *repo, int64_t until_ns, gc_walk_fn *walk);

/* ---- twins: other repositories with the same keys, that get what this one gets ---- */

enum { REPO_TWINS_MAX = 8 };

/*
 * From now on what is put here is put there too, compressed once; a commit makes the point exist in
 * each. One that fails does not stop the others: repo_commit() succeeds when any did, and
 * repo_outcome() tells of each. Borrows the twin, which has a crew of its own for packs and none to
 * compress. -EINVAL: its keys are others, or it is this repository itself.
 */
int repo_add_twin(struct repo *repo, struct repo *twin, gc_walk_fn *walk, struct why *why);

struct repo_outcome {
	int err; /* 0: the point is there */
	struct why why;
};

/* 0: the repository itself; then the twins in order. Borrowed until the next commit. */
const struct repo_outcome *repo_outcome(const struct repo *repo, size_t which);

/* Brings one point of `from` to its twin, with all that it needs and lacks there. */
int repo_copy_point(struct repo *from, struct repo *to, const struct object_id *id,
	gc_walk_fn *walk, struct why *why);

/* How far `other` had come at least, by the newest head of `witness`. 0: it does not tell. */
uint64_t repo_witness(const struct repo *witness, const struct repo *other);

/* ---- points that exist ---- */

enum point_change_what {
	POINT_REMOVE,
	POINT_HOLD,
	POINT_RELEASE,
	POINT_SUSPECT,
	POINT_ACCEPT,
	POINT_BREAK, /* it misses something */
	POINT_MEND,  /* it does no longer */
};

struct point_change {
	struct object_id id;
	enum point_change_what what;
};

/*
 * Writes one new head in which the points are changed so; none when all is so already. All or
 * nothing: -ENOENT no such point (removed ones may be removed again), -EPERM it is held.
 */
int repo_change_points(
	struct repo *repo, const struct point_change *changes, size_t count, struct why *why);

/* The number by which a head knows a resource: of no use to those without the key. */
uint64_t repo_resource(const struct repo *repo, const char *name);

#endif
