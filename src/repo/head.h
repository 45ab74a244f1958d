/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head: the root of a repository as of one generation. What it names exists, all else does not.
 * Signed, and chained to the head before it. FORMATS-REPOSITORY.md, "Head".
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_REPO_HEAD_H
#define EBB_REPO_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "chunk/object.h"
#include "repo/point.h"

struct key_ring;
struct why;

enum {
	HEAD_POINT_HELD = 1,       /* somebody wants it kept whatever the rules say */
	HEAD_POINT_SUSPICIOUS = 2, /* it jumps out of its resource's row and nobody accepted it */
	HEAD_POINT_BROKEN = 4,     /* a repair found that it misses something */
	HEAD_POINT_FLAGS = HEAD_POINT_HELD | HEAD_POINT_SUSPICIOUS | HEAD_POINT_BROKEN,
};

/* Enough of a point to decide which ones stay, without reading any. */
struct head_point {
	struct object_id id;
	int64_t end_ns;
	uint8_t flags;
	enum point_source source;
	uint8_t changed;   /* share of the source that was new; SHARE_UNKNOWN: nobody can say */
	uint8_t dense;     /* share of what was new that did not compress */
	uint64_t resource; /* repo_resource() of its name */
	uint8_t sum[32];   /* SHA-256 of its body before it was sealed */
};

/* So nobody who can seal, and may write over objects, puts another one under the name. */
struct head_index {
	struct object_id id;
	uint8_t sum[32]; /* as that of a point */
};

enum retired_state { RETIRED_TOMBSTONED = 1, RETIRED_DEAD };

/* An object on its way out, and since which generation it is in its state. */
struct head_retired {
	struct object_id id;
	enum object_kind kind; /* a pack, an index or a point */
	enum retired_state state;
	uint64_t since;
	int64_t since_ns; /* wall time then: how long it has soaked */
};

/* Capability bits: what a reader has to know. A head with any other is refused. */
enum {
	HEAD_LENGTHS = 1, /* indexes may tell how long packs are */
	HEAD_CAPABILITIES = HEAD_LENGTHS,
};

enum { HEAD_LABEL = 64, HEAD_KEYS_MAX = 256 };

/* A key that opens the repository, and the slot in which it does so now. */
struct head_key {
	struct object_id id;   /* stays the same when the keys rotate */
	struct object_id slot; /* the object */
	uint8_t sum[32];       /* SHA-256 of its header and body */
	uint8_t type;          /* enum slot_type */
	int64_t made_ns;
	uint64_t adopted; /* of a writer: number of its last inbox that was adopted */
	char label[HEAD_LABEL];
};

enum { HEAD_TWINS_MAX = 16 };

/* Another repository with the same keys, and how far it was when this head was written. */
struct head_twin {
	struct object_id repo;
	uint64_t generation;
};

struct head {
	struct object_id id; /* of the object; not in the body */
	uint32_t signer;     /* the epoch that signed it; not in the body */
	uint32_t capabilities;
	uint64_t generation;
	uint8_t previous[32]; /* SHA-256 of the previous head's header and body */
	int64_t wall_ns;
	uint64_t collected; /* the last generation that called something dead; 0: none */
	VEC(struct head_point) points;
	VEC(struct head_index) indexes;
	VEC(struct head_retired) retired;
	VEC(struct head_key) keys;
	uint8_t repo_sum[32]; /* SHA-256 of the header and body of `repo` */
	VEC(struct head_twin) twins;
};

void head_done(struct head *head);

/* NULL when the head does not name it. Borrowed. */
struct head_point *head_find_point(const struct head *head, const struct object_id *id);

/* The same for keys. */
struct head_key *head_find_key(const struct head *head, const struct object_id *id);

/* Notes that a twin has come so far; never less than is noted. 0 or -ENOMEM. */
int head_note_twin(struct head *head, const struct object_id *repo, uint64_t generation);

/* NULL when the head does not name it. Borrowed. */
struct head_index *head_find_index(const struct head *head, const struct object_id *id);

/* Whether it calls the object dead: it may be gone at any moment. */
bool head_doomed(const struct head *head, const struct object_id *id);

/* Gives a copy. 0 or -ENOMEM. */
int head_copy(const struct head *head, struct head *ret_head);

/* The signed body for `repo`, ready to be sealed. Gives the bytes. */
int head_put(const struct head *head, const struct object_id *repo, const struct key_ring *ring,
	uint8_t **ret_body, size_t *ret_len);

/*
 * Reads and checks a body: its form, and that a key of `ring` signed it: head->signer tells which.
 * Only older heads may be signed by older epochs. Gives the head.
 */
int head_get(const uint8_t *body, size_t len, const struct object_id *repo,
	const struct key_ring *ring, struct head *ret_head, struct why *why);

#endif
