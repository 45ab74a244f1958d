/* SPDX-License-Identifier: Apache-2.0 */
/* Derivation of keys, and the sheet of paper. */
#include "chunk/keys.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "os/dice.h"

enum { BUNDLE_VERSION = 1, BUNDLE_FIXED = 72 };

/* OpenSSL takes its inputs as pointers to non-const, and only reads them. */
static void *readable(const void *bytes)
{
	return (void *)(uintptr_t)bytes;
}

int key_derive(const uint8_t *secret, size_t secret_len, const uint8_t *salt, size_t salt_len,
	const char *info, uint8_t ret_key[32])
{
	char hash[] = "SHA256";
	/* The salt comes last so that leaving it out is ending the list before it. */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, readable(secret), secret_len),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_INFO, readable(info), strlen(info)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, readable(salt), salt_len),
		OSSL_PARAM_construct_end(),
	};
	if (!salt_len)
		params[3] = OSSL_PARAM_construct_end();
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	int ok = ctx && EVP_KDF_derive(ctx, ret_key, 32, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok ? 0 : -EIO;
}

/* The public half of an X25519 or Ed25519 key. */
static int public_of(int type, const uint8_t private_key[32], uint8_t ret_public[32])
{
	size_t len = 32;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(type, NULL, private_key, 32);
	int ok = key && EVP_PKEY_get_raw_public_key(key, ret_public, &len) == 1 && len == 32;
	EVP_PKEY_free(key);
	return ok ? 0 : -EIO;
}

/* From the secret of an epoch to its four keys. */
static int epoch_derive(struct key_epoch *epoch)
{
	int err = key_derive(epoch->secret, SECRET_SIZE, NULL, 0, "ebb x25519 1", epoch->open_key);
	if (!err)
		err = key_derive(
			epoch->secret, SECRET_SIZE, NULL, 0, "ebb ed25519 1", epoch->sign_key);
	if (!err)
		err = public_of(EVP_PKEY_X25519, epoch->open_key, epoch->seal_key);
	if (!err)
		err = public_of(EVP_PKEY_ED25519, epoch->sign_key, epoch->sign_public);
	return err;
}

static int ring_derive(struct key_ring *ring)
{
	int err = key_derive(ring->id_secret, SECRET_SIZE, NULL, 0, "ebb id 1", ring->id_key);
	if (!err)
		err = key_derive(
			ring->cut_secret, SECRET_SIZE, NULL, 0, "ebb cut 1", ring->cut_key);
	for (uint32_t i = 0; !err && i < ring->epoch_count; i++)
		err = epoch_derive(&ring->epochs[i]);
	return err;
}

static void key_ring_own(struct key_ring **ring)
{
	key_ring_free(*ring);
}

int key_ring_make(struct dice *dice, struct key_ring **ret_ring)
{
	OWN(key_ring_own) struct key_ring *ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	dice_fill(dice, ring->id_secret, SECRET_SIZE);
	dice_fill(dice, ring->cut_secret, SECRET_SIZE);
	dice_fill(dice, ring->epochs[0].secret, SECRET_SIZE);
	ring->epoch_count = 1;
	int err = ring_derive(ring);
	if (!err)
		*ret_ring = TAKE(ring);
	return err;
}

int key_ring_rotate(struct key_ring *ring, struct dice *dice, struct why *why)
{
	if (ring->epoch_count == KEY_EPOCHS_MAX)
		return why_set(why, -ENOSPC, "keys were rotated %d times, which is the limit",
			KEY_EPOCHS_MAX - 1);
	struct key_epoch *epoch = &ring->epochs[ring->epoch_count];
	dice_fill(dice, epoch->secret, SECRET_SIZE);
	int err = epoch_derive(epoch);
	if (err)
		return why_set(why, err, "the crypto library could not derive the new keys");
	ring->epoch_count++;
	return 0;
}

size_t key_ring_put(const struct key_ring *ring, uint8_t bundle[KEY_BUNDLE_MAX])
{
	put_le32(bundle, BUNDLE_VERSION);
	put_le32(bundle + 4, ring->epoch_count);
	memcpy(bundle + 8, ring->id_secret, SECRET_SIZE);
	memcpy(bundle + 40, ring->cut_secret, SECRET_SIZE);
	for (uint32_t i = 0; i < ring->epoch_count; i++)
		memcpy(bundle + BUNDLE_FIXED + i * SECRET_SIZE, ring->epochs[i].secret,
			SECRET_SIZE);
	return BUNDLE_FIXED + ring->epoch_count * SECRET_SIZE;
}

int key_ring_get(const uint8_t *bundle, size_t len, struct key_ring **ret_ring, struct why *why)
{
	uint32_t count = len >= BUNDLE_FIXED ? get_le32(bundle + 4) : 0;
	if (count && get_le32(bundle) != BUNDLE_VERSION)
		return why_set(why, -ENOTSUP, "the keys were written by a newer ebb: use that one");
	if (!count || count > KEY_EPOCHS_MAX || len != BUNDLE_FIXED + count * SECRET_SIZE)
		return why_set(why, -EBADMSG, "the key bundle has a wrong length (%zu)", len);
	OWN(key_ring_own) struct key_ring *ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	memcpy(ring->id_secret, bundle + 8, SECRET_SIZE);
	memcpy(ring->cut_secret, bundle + 40, SECRET_SIZE);
	ring->epoch_count = count;
	for (uint32_t i = 0; i < count; i++)
		memcpy(ring->epochs[i].secret, bundle + BUNDLE_FIXED + i * SECRET_SIZE,
			SECRET_SIZE);
	int err = ring_derive(ring);
	if (err)
		return why_set(why, err, "the crypto library could not derive the keys");
	*ret_ring = TAKE(ring);
	return 0;
}

void key_ring_free(struct key_ring *ring)
{
	if (ring)
		OPENSSL_cleanse(ring, sizeof(*ring));
	free(ring);
}

/* Crockford's base 32: no I, L, O, U; reading takes i and l for 1, o for 0, and any case. */
static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const char prefix[] = "ebb1-";
enum { SECRET_DIGITS = 52, CHECK_DIGITS = 4, ALL_DIGITS = SECRET_DIGITS + CHECK_DIGITS };

/* The secret as 5-bit digits (256 bits and 4 zeros), then 20 bits of its SHA-256. */
static int secret_digits(const uint8_t secret[SECRET_SIZE], uint8_t values[ALL_DIGITS])
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	if (!SHA256(secret, SECRET_SIZE, sum))
		return -EIO;
	for (size_t i = 0; i < ALL_DIGITS; i++) {
		const uint8_t *from = i < SECRET_DIGITS ? secret : sum;
		size_t bit = (i < SECRET_DIGITS ? i : i - SECRET_DIGITS) * 5;
		unsigned pair = (unsigned)from[bit / 8] << 8;
		if (bit / 8 + 1 < SECRET_SIZE)
			pair |= from[bit / 8 + 1];
		values[i] = pair >> (11 - bit % 8) & 31;
	}
	return 0;
}

int secret_show(const uint8_t secret[SECRET_SIZE], char text[SECRET_TEXT])
{
	uint8_t values[ALL_DIGITS];
	int err = secret_digits(secret, values);
	if (err)
		return err;
	size_t len = sizeof(prefix) - 1;
	memcpy(text, prefix, len);
	for (size_t i = 0; i < ALL_DIGITS; i++) {
		if (i && i % 4 == 0)
			text[len++] = '-';
		text[len++] = digits[values[i]];
	}
	text[len] = '\0';
	OPENSSL_cleanse(values, sizeof(values));
	return 0;
}

static int digit_value(char c)
{
	char upper = (char)toupper((unsigned char)c);
	if (upper == 'O')
		upper = '0';
	if (upper == 'I' || upper == 'L')
		upper = '1';
	const char *at = upper ? strchr(digits, upper) : NULL;
	return at ? (int)(at - digits) : -1;
}

int secret_read(const char *text, uint8_t ret_secret[SECRET_SIZE], struct why *why)
{
	uint8_t values[ALL_DIGITS], again[ALL_DIGITS], secret[SECRET_SIZE] = {0};
	size_t count = 0;
	if (strncasecmp(text, prefix, sizeof(prefix) - 1) != 0)
		return why_set(why, -EINVAL, "a secret key begins with %s", prefix);
	for (const char *c = text + sizeof(prefix) - 1; *c; c++) {
		if (*c == '-' || isspace((unsigned char)*c))
			continue;
		int value = digit_value(*c);
		if (value < 0 || count == ALL_DIGITS)
			return why_set(why, -EINVAL, "the secret key is wrong in group %zu",
				count / 4 + 1);
		values[count++] = (uint8_t)value;
	}
	if (count != ALL_DIGITS)
		return why_set(why, -EINVAL,
			"the secret key has %zu digits, not %d: some are missing", count,
			ALL_DIGITS);
	for (size_t i = 0; i < SECRET_DIGITS; i++) {
		unsigned wide = (unsigned)values[i] << (11 - i * 5 % 8);
		secret[i * 5 / 8] |= (uint8_t)(wide >> 8);
		if (i * 5 / 8 + 1 < SECRET_SIZE)
			secret[i * 5 / 8 + 1] |= (uint8_t)wide;
	}
	if (secret_digits(secret, again) || memcmp(values, again, sizeof(values)) != 0)
		return why_set(
			why, -EINVAL, "the secret key's check digits differ: a digit was misread");
	memcpy(ret_secret, secret, sizeof(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(values, sizeof(values));
	return 0;
}
