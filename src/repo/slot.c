/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapping the key bundle: one message under a key that is used once. */
#include "repo/slot.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/why.h"
#include "os/dice.h"

enum {
	VERSION = 1,
	TYPE_SECRET = 2,
	FIXED = 52, /* of the body, before the wrapped bundle: version to label */
	TAG = 16,
	BODY = OBJECT_HEADER + FIXED,
};

/* Header and fixed part, without the length and its checksum, which are set last. */
static void slot_aad(const uint8_t *bytes, uint8_t aad[BODY])
{
	memcpy(aad, bytes, BODY);
	memset(aad + 48, 0, 16);
}

static int slot_key(const uint8_t secret[SECRET_SIZE], const uint8_t *salt, uint8_t ret_key[32])
{
	return key_derive(secret, SECRET_SIZE, salt, 32, "ebb slot 1", ret_key);
}

static int wrap(const uint8_t key[32], const uint8_t aad[BODY], const uint8_t *plain, size_t len,
	uint8_t *ret_sealed)
{
	static const uint8_t nonce[12];
	int out = 0;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int ok = ctx && EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, NULL) == 1 &&
		EVP_EncryptUpdate(ctx, NULL, &out, aad, BODY) == 1 &&
		EVP_EncryptUpdate(ctx, ret_sealed, &out, plain, (int)len) == 1 &&
		EVP_EncryptFinal_ex(ctx, ret_sealed + len, &out) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, ret_sealed + len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

/* `len` without the tag, which follows. */
static int unwrap(const uint8_t key[32], const uint8_t aad[BODY], const uint8_t *sealed, size_t len,
	uint8_t *ret_plain)
{
	static const uint8_t nonce[12];
	uint8_t tag[TAG];
	int out = 0;
	memcpy(tag, sealed + len, TAG);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int ok = ctx && EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, NULL) == 1 &&
		EVP_DecryptUpdate(ctx, NULL, &out, aad, BODY) == 1 &&
		EVP_DecryptUpdate(ctx, ret_plain, &out, sealed, (int)len) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
		EVP_DecryptFinal_ex(ctx, ret_plain + len, &out) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : -EACCES;
}

int slot_make(struct object_header *header, const struct key_ring *ring,
	const uint8_t secret[SECRET_SIZE], struct dice *dice, uint8_t **ret_bytes)
{
	uint8_t bundle[KEY_BUNDLE_MAX], key[32], aad[BODY];
	size_t len = key_ring_put(ring, bundle);
	OWN(own_free) uint8_t *bytes = calloc(1, BODY + len + TAG);
	if (!bytes)
		return -ENOMEM;
	header->length = BODY + len + TAG;
	object_put_header(bytes, header);
	put_le32(bytes + OBJECT_HEADER, VERSION);
	bytes[OBJECT_HEADER + 4] = TYPE_SECRET;
	dice_fill(dice, bytes + OBJECT_HEADER + 20, 32);
	slot_aad(bytes, aad);
	int err = slot_key(secret, bytes + OBJECT_HEADER + 20, key);
	if (!err)
		err = wrap(key, aad, bundle, len, bytes + BODY);
	OPENSSL_cleanse(bundle, sizeof(bundle));
	OPENSSL_cleanse(key, sizeof(key));
	if (!err)
		*ret_bytes = TAKE(bytes);
	return err;
}

int slot_open(const uint8_t *bytes, size_t len, const uint8_t secret[SECRET_SIZE],
	struct key_ring **ret_ring, struct why *why)
{
	uint8_t bundle[KEY_BUNDLE_MAX], key[32], aad[BODY];
	if (len < BODY + TAG || len > BODY + KEY_BUNDLE_MAX + TAG)
		return why_set(why, -EBADMSG, "a key slot of %zu bytes is none", len);
	const uint8_t *body = bytes + OBJECT_HEADER;
	if (get_le32(body) != VERSION || body[4] != TYPE_SECRET)
		return why_set(why, -ENOTSUP, "a key slot of a newer ebb");
	slot_aad(bytes, aad);
	int err = slot_key(secret, body + 20, key);
	if (!err)
		err = unwrap(key, aad, bytes + BODY, len - BODY - TAG, bundle);
	if (!err)
		err = key_ring_get(bundle, len - BODY - TAG, ret_ring, why);
	else
		why_set(why, err, "the key does not open this slot");
	OPENSSL_cleanse(bundle, sizeof(bundle));
	OPENSSL_cleanse(key, sizeof(key));
	return err;
}
