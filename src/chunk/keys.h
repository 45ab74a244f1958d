/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets of a repository and what is derived from them.
 * FORMATS-REPOSITORY.md, "Repo and key slots", has the bytes.
 *
 * Secrets lie in memory that key_ring_free() wipes. Any thread, one at a time for each ring.
 */
#ifndef EBB_CHUNK_KEYS_H
#define EBB_CHUNK_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/secret.h"

struct dice;
struct object_id;
struct why;

enum {
	SIGNATURE_SIZE = 64,
	KEY_EPOCHS_MAX = 64,
	KEY_BUNDLE_MAX = 72 + KEY_EPOCHS_MAX * SECRET_SIZE,
	KEY_WRITER_BUNDLE = 136,
};

/* One period between two rotations of the keys. */
struct key_epoch {
	uint8_t secret[SECRET_SIZE];
	uint8_t open_key[32]; /* X25519 private: opens what was sealed to seal_key */
	uint8_t seal_key[32]; /* X25519 public */
	uint8_t sign_key[32]; /* Ed25519 seed */
	uint8_t sign_public[32];
};

/* Who writes with a key that may not read: signs what it puts into the inbox. */
struct key_client {
	uint8_t seed[SECRET_SIZE];
	uint8_t sign_key[32], sign_public[32];
	uint8_t cache_key[32]; /* of what the client keeps for itself */
};

/*
 * All keys of a repository. With write_only it has the public key of the current epoch and none of
 * the secrets: id_key, cut_key, epochs[epoch_count - 1].seal_key and client are all that is set.
 */
struct key_ring {
	bool write_only;
	struct key_client client; /* with write_only */
	uint8_t id_secret[SECRET_SIZE], cut_secret[SECRET_SIZE];
	uint8_t id_key[32], cut_key[32];
	uint32_t epoch_count; /* the last one is current */
	struct key_epoch epochs[KEY_EPOCHS_MAX];
};

/* Gives a ring of fresh secrets with one epoch. */
int key_ring_make(struct dice *dice, struct key_ring **ret_ring);

/* Gives a copy. 0 or -ENOMEM. */
int key_ring_copy(const struct key_ring *ring, struct key_ring **ret_ring);

/* Begins a new epoch: what is written from now on needs it, older objects stay readable. */
int key_ring_rotate(struct key_ring *ring, struct dice *dice, struct why *why);

/* The bundle that a key slot wraps, and back. Returns its length; gives the ring. */
size_t key_ring_put(const struct key_ring *ring, uint8_t bundle[KEY_BUNDLE_MAX]);
int key_ring_get(const uint8_t *bundle, size_t len, struct key_ring **ret_ring, struct why *why);

/*
 * What a full ring knows of the client with that key: every holder derives the same, no client
 * derives another's.
 */
int key_ring_client(
	const struct key_ring *ring, const struct object_id *key, struct key_client *ret_client);

/* The same as the bundle above, of a ring that may only write. */
int key_ring_put_writer(const struct key_ring *ring, const struct object_id *key,
	uint8_t bundle[KEY_WRITER_BUNDLE]);
int key_ring_get_writer(
	const uint8_t *bundle, size_t len, struct key_ring **ret_ring, struct why *why);

/* Whether `newer` holds all that `older` does: the ring after rotations. */
bool key_ring_continues(const struct key_ring *newer, const struct key_ring *older);

/*
 * What only holders of a full ring can say of a pack: in a pack of theirs, sealed, it tells them
 * from writers that hold no more than a public key.
 */
int key_ring_mark(const struct key_ring *ring, const struct object_id *pack, uint8_t ret_mark[32]);

/* Ed25519. Writes 64 bytes; 0 or -EIO. */
int key_sign(const uint8_t sign_key[32], const uint8_t *bytes, size_t len, uint8_t *ret_signature);

/* 0, or -EBADMSG when that key did not sign these bytes. */
int key_check_signature(
	const uint8_t sign_public[32], const uint8_t *bytes, size_t len, const uint8_t *signature);

/* Wipes and frees; NULL is allowed. */
void key_ring_free(struct key_ring *ring);

/* HKDF-SHA-256 (RFC 5869). 0 or -EIO. */
int key_derive(const uint8_t *secret, size_t secret_len, const uint8_t *salt, size_t salt_len,
	const char *info, uint8_t ret_key[32]);

#endif
