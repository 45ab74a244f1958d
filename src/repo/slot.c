/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapping the key bundle: one message under a key that is used once. */
#include "repo/slot.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/why.h"
#include "chunk/gcm.h"
#include "os/dice.h"

enum {
	VERSION = 1,
	TYPE_SECRET = 2,
	FIXED = 52, /* of the body, before the wrapped bundle: version to label */
	TAG = GCM_TAG,
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
	OWN(gcm_own) struct gcm *gcm = err ? NULL : gcm_new(key, true);
	struct gcm_message m = {gcm_zero_nonce, aad, bundle, sizeof(aad), len};
	if (!err)
		err = gcm ? gcm_seal(gcm, &m, bytes + BODY) : -ENOMEM;
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
	OWN(gcm_own) struct gcm *gcm = err ? NULL : gcm_new(key, false);
	struct gcm_message m = {gcm_zero_nonce, aad, bytes + BODY, sizeof(aad), len - BODY};
	if (!err)
		err = gcm ? gcm_open(gcm, &m, bundle) : -ENOMEM;
	/* A wrong key and a damaged slot look the same; parity has mended the latter. */
	if (err == -EBADMSG)
		err = -EACCES;
	if (!err)
		err = key_ring_get(bundle, len - BODY - TAG, ret_ring, why);
	else
		why_set(why, err, "the key does not open this slot");
	OPENSSL_cleanse(bundle, sizeof(bundle));
	OPENSSL_cleanse(key, sizeof(key));
	return err;
}
