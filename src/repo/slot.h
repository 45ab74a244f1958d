/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key slots: the keys of a repository in a box that one secret or passphrase opens. A slot can be
 * made anew for other keys by whoever holds all of them, without its secret; whoever opens it sees
 * that it was no outsider. FORMATS-REPOSITORY.md, "Key slots".
 *
 * Any thread.
 */
#ifndef EBB_REPO_SLOT_H
#define EBB_REPO_SLOT_H

#include "chunk/keys.h"
#include "chunk/object.h"
#include "chunk/passphrase.h"

struct box_chance;
struct why;

enum slot_type {
	SLOT_PASSPHRASE = 1,
	SLOT_SECRET,   /* a key file */
	SLOT_RECOVERY, /* the same, on paper */
	SLOT_WRITER,   /* a key file with which one can add and not read */
	SLOT_TYPES
};

/* What opens a slot: a secret or a passphrase, the other one is NULL. Borrowed. */
struct unlock {
	const uint8_t *secret; /* SECRET_SIZE */
	const char *passphrase;
	size_t passphrase_len;
};

struct slot_want {
	enum slot_type type;
	struct object_id key; /* who the key is, for as long as it exists */
	const struct unlock *unlock;
	struct passphrase_cost cost; /* of a passphrase */
};

/* A slot that was opened. */
struct slot_opened {
	struct object_id key;
	enum slot_type type;
	uint32_t epoch;          /* the current one, when it was made */
	uint8_t private_key[32]; /* opens the box of this slot, and of the same when it is renewed
				  */
	struct key_ring *ring;
};

void slot_opened_done(struct slot_opened *opened);

/* Fills the header's length; gives header and body. */
int slot_make(struct object_header *header, const struct key_ring *ring,
	const struct slot_want *want, const struct box_chance *chance, uint8_t **ret_bytes,
	struct why *why);

/* The slot `old` for the same holder, now with the keys of `ring`. -EBADMSG: `old` is none. */
int slot_renew(struct object_header *header, const struct key_ring *ring, const uint8_t *old,
	size_t old_len, const struct box_chance *chance, uint8_t **ret_bytes);

/* -EACCES: something else opens this slot, or an outsider made it. -EBADMSG: it is none. */
int slot_open(const uint8_t *bytes, size_t len, const struct unlock *unlock,
	struct slot_opened *ret_opened, struct why *why);

/* The same slot, renewed since `before` was opened. -EACCES: another's, or other keys. */
int slot_reopen(const uint8_t *bytes, size_t len, const struct slot_opened *before,
	struct slot_opened *ret_opened, struct why *why);

/* Whose slot it is, and under which epoch; both are in the clear. -EBADMSG. */
int slot_look(const uint8_t *bytes, size_t len, struct object_id *ret_key, uint32_t *ret_epoch);

#endif
