/* SPDX-License-Identifier: Apache-2.0 */
/* X25519 through OpenSSL, HKDF and AES-256-GCM with a key that seals one message. */
#include "chunk/box.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/plant.h"
#include "chunk/gcm.h"
#include "chunk/keys.h"
#include "os/clock.h"
#include "os/dice.h"

static void pkey_own(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void pkey_ctx_own(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

int box_public(const uint8_t private_key[32], uint8_t ret_public[32])
{
	size_t len = 32;
	OWN(pkey_own)
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, 32);
	int ok = key && EVP_PKEY_get_raw_public_key(key, ret_public, &len) == 1 && len == 32;
	return ok ? 0 : -EIO;
}

int box_fresh(const struct box_chance *chance, const char *info, uint8_t ret_key[32])
{
	uint8_t drawn[32], salt[32] = {0};
	dice_fill(chance->dice, drawn, sizeof(drawn));
	memcpy(salt, chance->id->b, sizeof(chance->id->b));
	if (!planted(KEYS_WITHOUT_TIME)) {
		put_le64(salt + 16, (uint64_t)clock_wall_ns(chance->clock));
		put_le64(salt + 24, (uint64_t)clock_mono_ns(chance->clock));
	}
	int err = key_derive(drawn, sizeof(drawn), salt, sizeof(salt), info, ret_key);
	OPENSSL_cleanse(drawn, sizeof(drawn));
	return err;
}

/* OpenSSL takes its inputs as pointers to non-const, and only reads them. */
static void *readable(const void *bytes)
{
	return (void *)(uintptr_t)bytes;
}

/* A key whose public half is known: given the private half alone OpenSSL would work it out, which
 * costs as much as the agreement itself. */
static EVP_PKEY *pair_of(const uint8_t private_key[32], const uint8_t public_key[32])
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(
			OSSL_PKEY_PARAM_PRIV_KEY, readable(private_key), 32),
		OSSL_PARAM_construct_octet_string(
			OSSL_PKEY_PARAM_PUB_KEY, readable(public_key), 32),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;
	OWN(pkey_ctx_own) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		return NULL;
	return key;
}

enum side { SENDER, RECEIVER };

/*
 * The key of the message: what the two keys agree on, with both public keys (the sender's first) as
 * salt, so that it is bound to this box and this receiver. `own` is the private key of `side`.
 */
static int message_key(enum side side, const uint8_t own[32], const uint8_t publics[64],
	const char *info, uint8_t ret_key[32])
{
	uint8_t shared[32];
	size_t len = sizeof(shared);
	const uint8_t *ours = publics + (side == SENDER ? 0 : 32);
	const uint8_t *other = publics + (side == SENDER ? 32 : 0);
	OWN(pkey_own) EVP_PKEY *mine = pair_of(own, ours);
	OWN(pkey_own)
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, other, 32);
	OWN(pkey_ctx_own) EVP_PKEY_CTX *ctx = mine ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
	if (!ctx || !theirs || EVP_PKEY_derive_init(ctx) != 1 ||
		EVP_PKEY_derive_set_peer(ctx, theirs) != 1 ||
		EVP_PKEY_derive(ctx, shared, &len) != 1 || len != sizeof(shared))
		return -EIO;
	int err = key_derive(shared, sizeof(shared), publics, 64, info, ret_key);
	OPENSSL_cleanse(shared, sizeof(shared));
	return err;
}

int box_seal(const uint8_t to[32], const struct box_chance *chance,
	const struct box_message *message, uint8_t *ret_box)
{
	uint8_t ephemeral[32], publics[64], key[32];
	int err = box_fresh(chance, "ebb ephemeral 1", ephemeral);
	if (!err)
		err = box_public(ephemeral, publics);
	memcpy(publics + 32, to, 32);
	if (!err)
		err = message_key(SENDER, ephemeral, publics, message->info, key);
	OPENSSL_cleanse(ephemeral, sizeof(ephemeral));
	if (err)
		return err;
	memcpy(ret_box, publics, 32);
	OWN(gcm_own) struct gcm *gcm = gcm_new(key, true);
	OPENSSL_cleanse(key, sizeof(key));
	struct gcm_message m = {
		gcm_zero_nonce, message->aad, message->in, message->aad_len, message->len};
	return gcm ? gcm_seal(gcm, &m, ret_box + 32) : -ENOMEM;
}

int box_open(const uint8_t private_key[32], const uint8_t public_key[32],
	const struct box_message *message, uint8_t *ret_plain)
{
	uint8_t publics[64], key[32];
	if (message->len < BOX_EXTRA)
		return -EBADMSG;
	memcpy(publics, message->in, 32);
	memcpy(publics + 32, public_key, 32);
	/* A sender's key that agrees on nothing is a forged one. */
	if (message_key(RECEIVER, private_key, publics, message->info, key))
		return -EBADMSG;
	OWN(gcm_own) struct gcm *gcm = gcm_new(key, false);
	OPENSSL_cleanse(key, sizeof(key));
	struct gcm_message m = {gcm_zero_nonce, message->aad, message->in + 32, message->aad_len,
		message->len - 32};
	return gcm ? gcm_open(gcm, &m, ret_plain) : -ENOMEM;
}
