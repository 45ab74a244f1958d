/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X25519 through OpenSSL, HKDF and AES-256-GCM.
 *
 * Invariants:
 *   1. a content key is made in sealer_new() and leaves this file only wrapped
 *   2. next counts up by one for each seal_segment() and never back: nonces do not repeat
 *   3. nothing is given out by open_segment() before its tag was checked
 */
#include "chunk/seal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "chunk/gcm.h"
#include "chunk/keys.h"
#include "os/clock.h"
#include "os/dice.h"

enum { NONCE = GCM_NONCE, KEY = GCM_KEY, WRAPPED = KEY + GCM_TAG };

struct sealer {
	struct gcm *cipher;
	struct object_id id;
	uint32_t next;
};

struct opener {
	struct gcm *cipher;
	struct object_id id;
};

struct seal_with seal_with_ring(const struct key_ring *ring, struct dice *dice, struct clock *clock)
{
	struct seal_with with = {.epoch = ring->epoch_count - 1, .dice = dice, .clock = clock};
	memcpy(with.public_key, ring->epochs[with.epoch].seal_key, sizeof(with.public_key));
	return with;
}

/* The additional data of segment `number`: the object's id and the number. */
static void segment_aad(const struct object_id *id, uint32_t number, uint8_t aad[20])
{
	memcpy(aad, id->b, sizeof(id->b));
	put_le32(aad + 16, number);
}

static void pkey_own(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void pkey_ctx_own(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

/*
 * The key that wraps the content key: X25519 between the two, HKDF with both public keys as salt,
 * so that it is bound to this envelope and this recipient.
 */
static int wrap_key(const uint8_t own[32], const uint8_t other[32], const uint8_t publics[64],
	uint8_t ret_key[KEY])
{
	uint8_t shared[32];
	size_t len = sizeof(shared);
	OWN(pkey_own) EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, own, 32);
	OWN(pkey_own)
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, other, 32);
	OWN(pkey_ctx_own) EVP_PKEY_CTX *ctx = mine ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
	if (!ctx || !theirs || EVP_PKEY_derive_init(ctx) != 1 ||
		EVP_PKEY_derive_set_peer(ctx, theirs) != 1 ||
		EVP_PKEY_derive(ctx, shared, &len) != 1 || len != sizeof(shared))
		return -EIO;
	int err = key_derive(shared, sizeof(shared), publics, 64, "ebb seal 1", ret_key);
	OPENSSL_cleanse(shared, sizeof(shared));
	return err;
}

/* Header without length and checksum, which are not known while a pack grows, and the epoch. */
static void envelope_aad(const uint8_t start[OBJECT_HEADER + 8], uint8_t aad[OBJECT_HEADER + 8])
{
	memcpy(aad, start, OBJECT_HEADER + 8);
	memset(aad + 48, 0, 16);
}

/* A content key that differs even when a cloned machine draws the same dice. */
static int fresh_content_key(
	const struct object_id *id, const struct seal_with *with, uint8_t ret_key[KEY])
{
	uint8_t drawn[32], salt[32];
	dice_fill(with->dice, drawn, sizeof(drawn));
	memcpy(salt, id->b, sizeof(id->b));
	put_le64(salt + 16, (uint64_t)clock_wall_ns(with->clock));
	put_le64(salt + 24, (uint64_t)clock_mono_ns(with->clock));
	int err = key_derive(drawn, sizeof(drawn), salt, sizeof(salt), "ebb content 1", ret_key);
	OPENSSL_cleanse(drawn, sizeof(drawn));
	return err;
}

/* Fills the envelope with a wrapped `content_key`. */
static int envelope_seal(const struct object_header *header, const struct seal_with *with,
	const uint8_t content_key[KEY], uint8_t envelope[SEAL_ENVELOPE])
{
	uint8_t start[OBJECT_HEADER + 8], aad[OBJECT_HEADER + 8], publics[64], ephemeral[32],
		key[KEY];
	size_t len = 32;
	put_le32(envelope, with->epoch);
	put_le32(envelope + 4, 0);
	object_put_header(start, header);
	memcpy(start + OBJECT_HEADER, envelope, 8);
	envelope_aad(start, aad);
	dice_fill(with->dice, ephemeral, sizeof(ephemeral));
	OWN(pkey_own)
	EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, ephemeral, 32);
	if (!pair || EVP_PKEY_get_raw_public_key(pair, envelope + 8, &len) != 1)
		return -EIO;
	memcpy(publics, envelope + 8, 32);
	memcpy(publics + 32, with->public_key, 32);
	int err = wrap_key(ephemeral, with->public_key, publics, key);
	OPENSSL_cleanse(ephemeral, sizeof(ephemeral));
	OWN(gcm_own) struct gcm *ctx = err ? NULL : gcm_new(key, true);
	OPENSSL_cleanse(key, sizeof(key));
	if (!ctx)
		return err ? err : -ENOMEM;
	struct gcm_message m = {gcm_zero_nonce, aad, content_key, sizeof(aad), KEY};
	return gcm_seal(ctx, &m, envelope + 40);
}

int sealer_new(const struct object_header *header, const struct seal_with *with,
	uint8_t ret_envelope[SEAL_ENVELOPE], struct sealer **ret_sealer)
{
	uint8_t content_key[KEY];
	struct sealer *sealer = calloc(1, sizeof(*sealer));
	if (!sealer)
		return -ENOMEM;
	sealer->id = header->id;
	int err = fresh_content_key(&header->id, with, content_key);
	if (!err)
		err = envelope_seal(header, with, content_key, ret_envelope);
	if (!err) {
		sealer->cipher = gcm_new(content_key, true);
		err = sealer->cipher ? 0 : -ENOMEM;
	}
	OPENSSL_cleanse(content_key, sizeof(content_key));
	if (err)
		sealer_free(sealer);
	else
		*ret_sealer = sealer;
	return err;
}

void sealer_free(struct sealer *sealer)
{
	if (sealer)
		gcm_free(sealer->cipher);
	free(sealer);
}

uint32_t sealer_next(const struct sealer *sealer)
{
	return sealer->next;
}

int seal_segment(struct sealer *sealer, const void *plain, size_t len, uint8_t *ret_sealed)
{
	uint8_t nonce[NONCE] = {0}, aad[20];
	if (sealer->next == SEAL_SEGMENTS_MAX)
		return -EOVERFLOW;
	put_le32(nonce, sealer->next);
	segment_aad(&sealer->id, sealer->next, aad);
	/* Counted before use: a number whose sealing failed half-way is not used again. */
	sealer->next++;
	struct gcm_message m = {nonce, aad, plain, sizeof(aad), len};
	return gcm_seal(sealer->cipher, &m, ret_sealed);
}

/* Unwraps the content key that the envelope carries. */
static int envelope_open(
	const uint8_t *start, const struct key_ring *ring, uint8_t ret_key[KEY], struct why *why)
{
	const uint8_t *envelope = start + OBJECT_HEADER;
	uint8_t aad[OBJECT_HEADER + 8], publics[64], key[KEY];
	uint32_t epoch = get_le32(envelope);
	if (epoch >= ring->epoch_count)
		return why_set(why, -EBADMSG,
			"sealed under key epoch %u, and these keys end at %u: they are older",
			epoch, ring->epoch_count - 1);
	envelope_aad(start, aad);
	memcpy(publics, envelope + 8, 32);
	memcpy(publics + 32, ring->epochs[epoch].seal_key, 32);
	if (wrap_key(ring->epochs[epoch].open_key, envelope + 8, publics, key))
		return why_set(why, -EBADMSG, "its envelope is damaged");
	OWN(gcm_own) struct gcm *ctx = gcm_new(key, false);
	OPENSSL_cleanse(key, sizeof(key));
	if (!ctx)
		return -ENOMEM;
	struct gcm_message m = {gcm_zero_nonce, aad, envelope + 40, sizeof(aad), WRAPPED};
	if (gcm_open(ctx, &m, ret_key))
		return why_set(why, -EBADMSG, "its envelope is damaged or forged");
	return 0;
}

int opener_new(const uint8_t *start, size_t len, const struct key_ring *ring,
	struct opener **ret_opener, struct why *why)
{
	struct object_header header;
	uint8_t content_key[KEY];
	if (len < SEAL_BODY)
		return why_set(why, -EBADMSG, "%zu bytes are too few for a sealed object", len);
	int err = object_get_header(start, len, &header, why);
	if (!err)
		err = envelope_open(start, ring, content_key, why);
	if (err)
		return err;
	struct opener *opener = calloc(1, sizeof(*opener));
	if (opener) {
		opener->id = header.id;
		opener->cipher = gcm_new(content_key, false);
	}
	OPENSSL_cleanse(content_key, sizeof(content_key));
	if (!opener || !opener->cipher) {
		opener_free(opener);
		return -ENOMEM;
	}
	*ret_opener = opener;
	return 0;
}

void opener_free(struct opener *opener)
{
	if (opener)
		gcm_free(opener->cipher);
	free(opener);
}

int open_segment(struct opener *opener, uint32_t number, const uint8_t *sealed, size_t len,
	uint8_t *ret_plain)
{
	uint8_t nonce[NONCE] = {0}, aad[20];
	put_le32(nonce, number);
	segment_aad(&opener->id, number, aad);
	struct gcm_message m = {nonce, aad, sealed, sizeof(aad), len};
	return gcm_open(opener->cipher, &m, ret_plain);
}

int seal_whole(struct object_header *header, const struct seal_with *with, const void *plain,
	size_t len, uint8_t **ret_bytes, size_t *ret_len)
{
	size_t total;
	if (!add_fits(len, (size_t)(SEAL_BODY + SEAL_TAG), &total) || total > OBJECT_MAX)
		return -EOVERFLOW;
	OWN(own_free) uint8_t *bytes = malloc(total);
	struct sealer *sealer;
	if (!bytes)
		return -ENOMEM;
	header->length = total;
	object_put_header(bytes, header);
	int err = sealer_new(header, with, bytes + OBJECT_HEADER, &sealer);
	if (err)
		return err;
	err = seal_segment(sealer, plain, len, bytes + SEAL_BODY);
	sealer_free(sealer);
	if (err)
		return err;
	*ret_bytes = TAKE(bytes);
	*ret_len = total;
	return 0;
}

int open_whole(const uint8_t *bytes, size_t len, const struct key_ring *ring, uint8_t **ret_plain,
	size_t *ret_len, struct why *why)
{
	struct opener *opener;
	int err = opener_new(bytes, len, ring, &opener, why);
	if (err)
		return err;
	OWN(own_free) uint8_t *plain = malloc(len);
	err = plain ? open_segment(opener, 0, bytes + SEAL_BODY, len - SEAL_BODY, plain) : -ENOMEM;
	opener_free(opener);
	if (err == -EBADMSG)
		why_set(why, err, "its content is damaged or forged");
	if (err)
		return err;
	*ret_plain = TAKE(plain);
	*ret_len = len - SEAL_BODY - SEAL_TAG;
	return 0;
}
