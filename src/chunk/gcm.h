/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256-GCM, one whole message at a time. Whoever calls this answers for nonces that do not
 * repeat under a key.
 *
 * One thread for each context.
 */
#ifndef EBB_CHUNK_GCM_H
#define EBB_CHUNK_GCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GCM_KEY = 32, GCM_NONCE = 12, GCM_TAG = 16 };

struct gcm;

struct gcm_message {
	const uint8_t *nonce; /* GCM_NONCE bytes */
	const uint8_t *aad, *in;
	size_t aad_len, len;
};

/* Gives a context with the key set, for sealing or for opening. NULL: no memory. */
struct gcm *gcm_new(const uint8_t key[GCM_KEY], bool seals);
void gcm_free(struct gcm *gcm);

/* For OWN(). */
void gcm_own(struct gcm **gcm);

/* Writes len bytes and the tag, over `in` if that is the same. 0, -EIO, -EOVERFLOW. */
int gcm_seal(struct gcm *gcm, const struct gcm_message *message, uint8_t *ret_sealed);

/*
 * The reverse; message->len counts the tag. -EBADMSG: not what was sealed, and then nothing of the
 * plain text is left in `ret_plain`.
 */
int gcm_open(struct gcm *gcm, const struct gcm_message *message, uint8_t *ret_plain);

/* Twelve zeros, for keys that seal one message only. */
extern const uint8_t gcm_zero_nonce[GCM_NONCE];

#endif
