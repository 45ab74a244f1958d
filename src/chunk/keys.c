/* SPDX-License-Identifier: Apache-2.0 */
/* Derivation of keys, bundles, signatures. */
#include "chunk/keys.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/why.h"
#include "chunk/object.h"
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

int key_ring_copy(const struct key_ring *ring, struct key_ring **ret_ring)
{
	struct key_ring *copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *ring;
	*ret_ring = copy;
	return 0;
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

static int client_derive(struct key_client *client)
{
	int err = key_derive(
		client->seed, SECRET_SIZE, NULL, 0, "ebb client sign 1", client->sign_key);
	if (!err)
		err = key_derive(client->seed, SECRET_SIZE, NULL, 0, "ebb client cache 1",
			client->cache_key);
	return err ? err : public_of(EVP_PKEY_ED25519, client->sign_key, client->sign_public);
}

int key_ring_client(
	const struct key_ring *ring, const struct object_id *key, struct key_client *ret_client)
{
	/* The first epoch's secret stays in every bundle for ever. */
	int err = key_derive(ring->epochs[0].secret, SECRET_SIZE, key->b, sizeof(key->b),
		"ebb client 1", ret_client->seed);
	return err ? err : client_derive(ret_client);
}

int key_ring_put_writer(
	const struct key_ring *ring, const struct object_id *key, uint8_t bundle[KEY_WRITER_BUNDLE])
{
	struct key_client client;
	uint32_t epoch = ring->epoch_count - 1;
	int err = key_ring_client(ring, key, &client);
	put_le32(bundle, BUNDLE_VERSION);
	put_le32(bundle + 4, epoch);
	memcpy(bundle + 8, ring->id_key, 32);
	memcpy(bundle + 40, ring->cut_key, 32);
	memcpy(bundle + 72, ring->epochs[epoch].seal_key, 32);
	memcpy(bundle + 104, client.seed, 32);
	OPENSSL_cleanse(&client, sizeof(client));
	return err;
}

int key_ring_get_writer(
	const uint8_t *bundle, size_t len, struct key_ring **ret_ring, struct why *why)
{
	if (len != KEY_WRITER_BUNDLE || get_le32(bundle + 4) >= KEY_EPOCHS_MAX)
		return why_set(
			why, -EBADMSG, "the writer's key bundle has a wrong form (%zu)", len);
	if (get_le32(bundle) != BUNDLE_VERSION)
		return why_set(why, -ENOTSUP, "the keys were written by a newer ebb: use that one");
	OWN(key_ring_own) struct key_ring *ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	uint32_t epoch = get_le32(bundle + 4);
	ring->write_only = true;
	ring->epoch_count = epoch + 1;
	memcpy(ring->id_key, bundle + 8, 32);
	memcpy(ring->cut_key, bundle + 40, 32);
	memcpy(ring->epochs[epoch].seal_key, bundle + 72, 32);
	memcpy(ring->client.seed, bundle + 104, 32);
	int err = client_derive(&ring->client);
	if (err)
		return why_set(why, err, "the crypto library could not derive the keys");
	*ret_ring = TAKE(ring);
	return 0;
}

bool key_ring_continues(const struct key_ring *newer, const struct key_ring *older)
{
	if (newer->write_only || older->write_only)
		return newer->write_only == older->write_only &&
			newer->epoch_count >= older->epoch_count &&
			CRYPTO_memcmp(newer->client.seed, older->client.seed, SECRET_SIZE) == 0;
	if (newer->epoch_count < older->epoch_count ||
		CRYPTO_memcmp(newer->id_secret, older->id_secret, SECRET_SIZE) != 0 ||
		CRYPTO_memcmp(newer->cut_secret, older->cut_secret, SECRET_SIZE) != 0)
		return false;
	for (uint32_t i = 0; i < older->epoch_count; i++)
		if (CRYPTO_memcmp(newer->epochs[i].secret, older->epochs[i].secret, SECRET_SIZE))
			return false;
	return true;
}

int key_ring_mark(const struct key_ring *ring, const struct object_id *pack, uint8_t ret_mark[32])
{
	return key_derive(ring->epochs[0].secret, SECRET_SIZE, pack->b, sizeof(pack->b),
		"ebb pack 1", ret_mark);
}

int key_sign(const uint8_t sign_key[32], const uint8_t *bytes, size_t len, uint8_t *ret_signature)
{
	size_t out = SIGNATURE_SIZE;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, sign_key, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = key && ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
		EVP_DigestSign(ctx, ret_signature, &out, bytes, len) == 1 && out == SIGNATURE_SIZE;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok ? 0 : -EIO;
}

int key_check_signature(
	const uint8_t sign_public[32], const uint8_t *bytes, size_t len, const uint8_t *signature)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, sign_public, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		EVP_DigestVerify(ctx, signature, SIGNATURE_SIZE, bytes, len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok ? 0 : -EBADMSG;
}

void key_ring_free(struct key_ring *ring)
{
	if (ring)
		OPENSSL_cleanse(ring, sizeof(*ring));
	free(ring);
}
