/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets of a repository, what is derived from them, and how they are written down for people.
 * FORMATS-REPOSITORY.md, "Repo and key slots", has the bytes.
 *
 * Secrets lie in memory that key_ring_free() wipes. Any thread, one at a time for each ring.
 */
#ifndef EBB_CHUNK_KEYS_H
#define EBB_CHUNK_KEYS_H

#include <stddef.h>
#include <stdint.h>

struct dice;
struct why;

enum {
	SECRET_SIZE = 32,
	SECRET_TEXT = 80, /* "ebb1-" and 14 groups of four with dashes, and NUL */
	KEY_EPOCHS_MAX = 64,
	KEY_BUNDLE_MAX = 72 + KEY_EPOCHS_MAX * SECRET_SIZE,
};

/* One period between two rotations of the keys. */
struct key_epoch {
	uint8_t secret[SECRET_SIZE];
	uint8_t open_key[32]; /* X25519 private: opens what was sealed to seal_key */
	uint8_t seal_key[32]; /* X25519 public */
	uint8_t sign_key[32]; /* Ed25519 seed */
	uint8_t sign_public[32];
};

struct key_ring {
	uint8_t id_secret[SECRET_SIZE], cut_secret[SECRET_SIZE];
	uint8_t id_key[32], cut_key[32];
	uint32_t epoch_count; /* the last one is current */
	struct key_epoch epochs[KEY_EPOCHS_MAX];
};

/* Gives a ring of fresh secrets with one epoch. */
int key_ring_make(struct dice *dice, struct key_ring **ret_ring);

/* Begins a new epoch: what is written from now on needs it, older objects stay readable. */
int key_ring_rotate(struct key_ring *ring, struct dice *dice, struct why *why);

/* The bundle that a key slot wraps, and back. Returns its length; gives the ring. */
size_t key_ring_put(const struct key_ring *ring, uint8_t bundle[KEY_BUNDLE_MAX]);
int key_ring_get(const uint8_t *bundle, size_t len, struct key_ring **ret_ring, struct why *why);

/* Wipes and frees; NULL is allowed. */
void key_ring_free(struct key_ring *ring);

/* HKDF-SHA-256 (RFC 5869). 0 or -EIO. */
int key_derive(const uint8_t *secret, size_t secret_len, const uint8_t *salt, size_t salt_len,
	const char *info, uint8_t ret_key[32]);

/* A secret as people keep it, and back: -EINVAL says which digit group is wrong. */
int secret_show(const uint8_t secret[SECRET_SIZE], char text[SECRET_TEXT]);
int secret_read(const char *text, uint8_t ret_secret[SECRET_SIZE], struct why *why);

#endif
