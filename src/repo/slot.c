/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot has a fixed part that never changes and a box that is made anew with each rotation.
 *
 * Whoever holds the full ring knows the slot's public key, and so can renew the box. That the box
 * is his and not that of somebody who merely saw the public key shows by the proof: a value that
 * only the holders of the first epoch's secret can tell, pinned in the fixed part under the slot's
 * own secret when the slot was made, and told again by the keys in the box.
 */
#include "repo/slot.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "chunk/box.h"
#include "chunk/gcm.h"
#include "os/dice.h"

enum {
	VERSION = 1,
	AT_TYPE = 4,
	AT_COST = 8,
	AT_SALT = 20,
	AT_KEY = 52,
	AT_PUBLIC = 68,
	AT_PROOF = 100, /* under the slot's secret */
	FIXED = AT_PROOF + 32 + GCM_TAG,
	AT_EPOCH = FIXED,
	AT_BOX = FIXED + 4,
	SALT = PASSPHRASE_SALT,
	BODY = OBJECT_HEADER + AT_BOX,
	PROOF_AAD = 16 + AT_PROOF,
};

static const char box_info[] = "ebb bundle 1";

void slot_opened_done(struct slot_opened *opened)
{
	key_ring_free(opened->ring);
	OPENSSL_cleanse(opened, sizeof(*opened));
}

/* What the secret or passphrase comes to: the key of the proof, and the pair of the box. */
struct slot_keys {
	uint8_t proof_key[32], private_key[32], public_key[32];
};

static int derive_keys(const uint8_t *body, const struct unlock *unlock, struct slot_keys *ret_keys,
	struct why *why)
{
	uint8_t base[32];
	const uint8_t *salt = body + AT_SALT;
	struct passphrase_cost cost = {get_le32(body + AT_COST), get_le32(body + AT_COST + 4),
		get_le32(body + AT_COST + 8)};
	int err = 0;
	if (unlock->secret)
		memcpy(base, unlock->secret, sizeof(base));
	else
		err = passphrase_key(
			unlock->passphrase, unlock->passphrase_len, salt, &cost, base, why);
	if (err)
		return err;
	err = key_derive(base, sizeof(base), salt, SALT, "ebb slot 1", ret_keys->proof_key);
	if (!err)
		err = key_derive(
			base, sizeof(base), salt, SALT, "ebb slot x25519 1", ret_keys->private_key);
	if (!err)
		err = box_public(ret_keys->private_key, ret_keys->public_key);
	OPENSSL_cleanse(base, sizeof(base));
	return err ? why_set(why, err, "the crypto library could not derive a slot's keys") : 0;
}

/* The repository and the fixed part before the proof. */
static void proof_aad(const uint8_t *bytes, uint8_t aad[PROOF_AAD])
{
	memcpy(aad, bytes + 16, 16);
	memcpy(aad + 16, bytes + OBJECT_HEADER, AT_PROOF);
}

/* What a ring says of itself, be it full or of the writer that this key is. */
static int proof_of(const struct key_ring *ring, const struct object_id *key, uint8_t ret_proof[32])
{
	struct key_client client = {0};
	int err = 0;
	if (ring->write_only)
		memcpy(client.seed, ring->client.seed, sizeof(client.seed));
	else
		err = key_ring_client(ring, key, &client);
	if (!err)
		err = key_derive(client.seed, sizeof(client.seed), key->b, sizeof(key->b),
			"ebb proof 1", ret_proof);
	OPENSSL_cleanse(&client, sizeof(client));
	return err;
}

/* Header without length and checksum, and all of the body before the box. */
static void box_aad(const uint8_t *bytes, uint8_t aad[BODY])
{
	memcpy(aad, bytes, BODY);
	memset(aad + 48, 0, 16);
}

static bool is_writer(const uint8_t *bytes)
{
	return bytes[OBJECT_HEADER + AT_TYPE] == SLOT_WRITER;
}

static size_t bundle_len(const struct key_ring *ring, bool writer)
{
	return writer ? (size_t)KEY_WRITER_BUNDLE : 72 + ring->epoch_count * (size_t)SECRET_SIZE;
}

/* Seals the bundle behind a head of the slot that is complete. */
static int put_box(uint8_t *bytes, const struct key_ring *ring, const struct box_chance *chance)
{
	uint8_t bundle[KEY_BUNDLE_MAX], aad[BODY];
	struct object_id key;
	int err = 0;
	memcpy(key.b, bytes + OBJECT_HEADER + AT_KEY, sizeof(key.b));
	if (is_writer(bytes))
		err = key_ring_put_writer(ring, &key, bundle);
	else
		key_ring_put(ring, bundle);
	box_aad(bytes, aad);
	struct box_message m = {
		box_info, aad, bundle, sizeof(aad), bundle_len(ring, is_writer(bytes))};
	if (!err)
		err = box_seal(bytes + OBJECT_HEADER + AT_PUBLIC, chance, &m, bytes + BODY);
	OPENSSL_cleanse(bundle, sizeof(bundle));
	return err;
}

/* Room for the whole slot with its header. */
static uint8_t *begin(struct object_header *header, const struct key_ring *ring, bool writer)
{
	header->length = BODY + bundle_len(ring, writer) + BOX_EXTRA;
	uint8_t *bytes = calloc(1, header->length);
	if (bytes)
		object_put_header(bytes, header);
	return bytes;
}

static void put_wanted(uint8_t *body, const struct slot_want *want, struct dice *dice)
{
	put_le32(body, VERSION);
	body[AT_TYPE] = (uint8_t)want->type;
	if (want->type == SLOT_PASSPHRASE) {
		put_le32(body + AT_COST, want->cost.memory_kib);
		put_le32(body + AT_COST + 4, want->cost.passes);
		put_le32(body + AT_COST + 8, want->cost.lanes);
	}
	dice_fill(dice, body + AT_SALT, SALT);
	memcpy(body + AT_KEY, want->key.b, sizeof(want->key.b));
}

static int put_proof(uint8_t *bytes, const struct key_ring *ring, const struct slot_want *want,
	const struct slot_keys *keys)
{
	uint8_t proof[32], aad[PROOF_AAD];
	OWN(gcm_own) struct gcm *gcm = gcm_new(keys->proof_key, true);
	int err = gcm ? proof_of(ring, &want->key, proof) : -ENOMEM;
	proof_aad(bytes, aad);
	struct gcm_message m = {gcm_zero_nonce, aad, proof, sizeof(aad), sizeof(proof)};
	if (!err)
		err = gcm_seal(gcm, &m, bytes + OBJECT_HEADER + AT_PROOF);
	OPENSSL_cleanse(proof, sizeof(proof));
	return err;
}

int slot_make(struct object_header *header, const struct key_ring *ring,
	const struct slot_want *want, const struct box_chance *chance, uint8_t **ret_bytes,
	struct why *why)
{
	struct slot_keys keys;
	must(!ring->write_only);
	must((want->type == SLOT_PASSPHRASE) == (want->unlock->passphrase != NULL));
	OWN(own_free) uint8_t *bytes = begin(header, ring, want->type == SLOT_WRITER);
	if (!bytes)
		return -ENOMEM;
	uint8_t *body = bytes + OBJECT_HEADER;
	put_wanted(body, want, chance->dice);
	int err = derive_keys(body, want->unlock, &keys, why);
	if (err)
		return err;
	memcpy(body + AT_PUBLIC, keys.public_key, 32);
	put_le32(body + AT_EPOCH, ring->epoch_count - 1);
	err = put_proof(bytes, ring, want, &keys);
	OPENSSL_cleanse(&keys, sizeof(keys));
	if (!err)
		err = put_box(bytes, ring, chance);
	if (err)
		return why_errno(why, err, "making a key slot");
	*ret_bytes = TAKE(bytes);
	return 0;
}

/* Whether header and body may be those of a slot. */
static int check_form(const uint8_t *bytes, size_t len, struct why *why)
{
	const uint8_t *body = bytes + OBJECT_HEADER;
	if (len < BODY + BOX_EXTRA || len > BODY + KEY_BUNDLE_MAX + BOX_EXTRA)
		return why_set(why, -EBADMSG, "a key slot of %zu bytes is none", len);
	if (get_le32(body) != VERSION)
		return why_set(why, -ENOTSUP, "a key slot of a newer ebb (%u): use that one",
			get_le32(body));
	if (body[AT_TYPE] < SLOT_PASSPHRASE || body[AT_TYPE] >= SLOT_TYPES ||
		get_le32(body + AT_EPOCH) >= KEY_EPOCHS_MAX)
		return why_set(why, -EBADMSG, "the key slot is damaged");
	return 0;
}

int slot_renew(struct object_header *header, const struct key_ring *ring, const uint8_t *old,
	size_t old_len, const struct box_chance *chance, uint8_t **ret_bytes)
{
	int err = check_form(old, old_len, NULL);
	if (err)
		return err;
	OWN(own_free) uint8_t *bytes = begin(header, ring, is_writer(old));
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes + OBJECT_HEADER, old + OBJECT_HEADER, FIXED);
	put_le32(bytes + OBJECT_HEADER + AT_EPOCH, ring->epoch_count - 1);
	err = put_box(bytes, ring, chance);
	if (err)
		return err;
	*ret_bytes = TAKE(bytes);
	return 0;
}

int slot_look(const uint8_t *bytes, size_t len, struct object_id *ret_key, uint32_t *ret_epoch)
{
	int err = check_form(bytes, len, NULL);
	if (err)
		return err;
	memcpy(ret_key->b, bytes + OBJECT_HEADER + AT_KEY, sizeof(ret_key->b));
	*ret_epoch = get_le32(bytes + OBJECT_HEADER + AT_EPOCH);
	return 0;
}

static int not_this_one(struct why *why)
{
	/* A wrong key and a damaged slot look the same; parity has mended the latter. */
	return why_set(why, -EACCES, "the key does not open this slot");
}

/* Opens the box into ret_opened, whose private_key is set. */
static int open_box(const uint8_t *bytes, size_t len, struct slot_opened *opened, struct why *why)
{
	uint8_t bundle[KEY_BUNDLE_MAX], aad[BODY], public_key[32];
	size_t plain_len = len - BODY - BOX_EXTRA;
	box_aad(bytes, aad);
	struct box_message m = {box_info, aad, bytes + BODY, sizeof(aad), len - BODY};
	int err = box_public(opened->private_key, public_key);
	if (!err)
		err = box_open(opened->private_key, public_key, &m, bundle);
	if (err == -EBADMSG)
		return not_this_one(why);
	if (!err)
		err = is_writer(bytes) ? key_ring_get_writer(bundle, plain_len, &opened->ring, why)
				       : key_ring_get(bundle, plain_len, &opened->ring, why);
	OPENSSL_cleanse(bundle, sizeof(bundle));
	if (err)
		return err;
	slot_look(bytes, len, &opened->key, &opened->epoch);
	opened->type = (enum slot_type)bytes[OBJECT_HEADER + AT_TYPE];
	return opened->epoch == opened->ring->epoch_count - 1 ? 0 : not_this_one(why);
}

/* Compares what was pinned when the slot was made with what the keys in the box tell. */
static int check_proof(const uint8_t *bytes, const struct slot_keys *keys,
	const struct slot_opened *opened, struct why *why)
{
	uint8_t pinned[32], told[32], aad[PROOF_AAD];
	OWN(gcm_own) struct gcm *gcm = gcm_new(keys->proof_key, false);
	if (!gcm)
		return -ENOMEM;
	proof_aad(bytes, aad);
	struct gcm_message m = {
		gcm_zero_nonce, aad, bytes + OBJECT_HEADER + AT_PROOF, sizeof(aad), 32 + GCM_TAG};
	int err = gcm_open(gcm, &m, pinned);
	if (!err)
		err = proof_of(opened->ring, &opened->key, told);
	if (err == -EBADMSG)
		return not_this_one(why);
	if (!err && CRYPTO_memcmp(pinned, told, sizeof(told)) != 0 &&
		!planted(SLOT_PROOF_UNCHECKED))
		err = why_set(why, -EACCES,
			"the keys in this slot were put there by somebody who does not hold them");
	return err;
}

static void opened_own(struct slot_opened *opened)
{
	slot_opened_done(opened);
}

int slot_open(const uint8_t *bytes, size_t len, const struct unlock *unlock,
	struct slot_opened *ret_opened, struct why *why)
{
	struct slot_keys keys;
	OWN(opened_own) struct slot_opened opened = {0};
	int err = check_form(bytes, len, why);
	if (err)
		return err;
	/* A passphrase is not tried where a secret belongs, nor the reverse: each try costs. */
	bool wants_passphrase = bytes[OBJECT_HEADER + AT_TYPE] == SLOT_PASSPHRASE;
	if (wants_passphrase != (unlock->passphrase != NULL))
		return not_this_one(why);
	err = derive_keys(bytes + OBJECT_HEADER, unlock, &keys, why);
	if (err)
		return err;
	memcpy(opened.private_key, keys.private_key, sizeof(opened.private_key));
	if (memcmp(keys.public_key, bytes + OBJECT_HEADER + AT_PUBLIC, 32) != 0)
		err = not_this_one(why);
	if (!err)
		err = open_box(bytes, len, &opened, why);
	if (!err)
		err = check_proof(bytes, &keys, &opened, why);
	OPENSSL_cleanse(&keys, sizeof(keys));
	if (err)
		return err;
	*ret_opened = opened;
	opened = (struct slot_opened){0};
	return 0;
}

int slot_reopen(const uint8_t *bytes, size_t len, const struct slot_opened *before,
	struct slot_opened *ret_opened, struct why *why)
{
	OWN(opened_own) struct slot_opened opened = {0};
	struct object_id key;
	uint32_t epoch;
	int err = check_form(bytes, len, why);
	if (err)
		return err;
	slot_look(bytes, len, &key, &epoch);
	if (!object_id_equal(&key, &before->key))
		return not_this_one(why);
	memcpy(opened.private_key, before->private_key, sizeof(opened.private_key));
	err = open_box(bytes, len, &opened, why);
	if (!err && !key_ring_continues(opened.ring, before->ring))
		err = not_this_one(why);
	if (err)
		return err;
	*ret_opened = opened;
	opened = (struct slot_opened){0};
	return 0;
}
