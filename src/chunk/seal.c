/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope is a box with the content key; segments are AES-256-GCM under it.
 *
 * Invariants:
 *   1. a content key is made in sealer_new() and leaves this file only wrapped; where it is kept,
 *      it is wiped
 *   2. next counts up by one for each seal_segment() and never back: nonces do not repeat
 *   3. nothing is given out by open_segment() before its tag was checked
 */
#include "chunk/seal.h"

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
#include "chunk/keys.h"

enum { NONCE = GCM_NONCE, KEY = GCM_KEY };

static const char info[] = "ebb seal 1";

struct sealer {
	struct gcm *cipher;
	struct object_id id;
	uint32_t next;
};

struct opener {
	struct gcm *cipher;
	struct object_id id;
	uint8_t content_key[KEY];
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

/* Header without length and checksum, which are not known while a pack grows, and the epoch. */
static void envelope_aad(const uint8_t start[OBJECT_HEADER + 8], uint8_t aad[OBJECT_HEADER + 8])
{
	memcpy(aad, start, OBJECT_HEADER + 8);
	memset(aad + 48, 0, 16);
}

/* The first 8 bytes of the envelope are bound into it, the box follows. */
static int envelope_seal(const struct object_header *header, const struct seal_with *with,
	const uint8_t content_key[KEY], uint8_t envelope[SEAL_ENVELOPE])
{
	uint8_t start[OBJECT_HEADER + 8], aad[OBJECT_HEADER + 8];
	struct box_chance chance = {&header->id, with->dice, with->clock};
	put_le32(envelope, with->epoch);
	put_le32(envelope + 4, 0);
	object_put_header(start, header);
	memcpy(start + OBJECT_HEADER, envelope, 8);
	envelope_aad(start, aad);
	struct box_message m = {info, aad, content_key, sizeof(aad), KEY};
	return box_seal(with->public_key, &chance, &m, envelope + 8);
}

int sealer_new(const struct object_header *header, const struct seal_with *with,
	uint8_t ret_envelope[SEAL_ENVELOPE], struct sealer **ret_sealer)
{
	uint8_t content_key[KEY];
	struct sealer *sealer = calloc(1, sizeof(*sealer));
	if (!sealer)
		return -ENOMEM;
	sealer->id = header->id;
	struct box_chance chance = {&header->id, with->dice, with->clock};
	int err = box_fresh(&chance, "ebb content 1", content_key);
	if (planted(SEAL_KEY_AGAIN))
		memset(content_key, 7, sizeof(content_key));
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
	if (!planted(SEAL_NONCE_AGAIN))
		sealer->next++;
	struct gcm_message m = {nonce, aad, plain, sizeof(aad), len};
	return gcm_seal(sealer->cipher, &m, ret_sealed);
}

/* Unwraps the content key that the envelope carries. */
static int envelope_open(
	const uint8_t *start, const struct key_ring *ring, uint8_t ret_key[KEY], struct why *why)
{
	const uint8_t *envelope = start + OBJECT_HEADER;
	uint8_t aad[OBJECT_HEADER + 8];
	uint32_t epoch = get_le32(envelope);
	if (ring->write_only)
		return why_set(why, -EACCES, "this key may only write: it opens nothing");
	if (epoch >= ring->epoch_count)
		return why_set(why, -EBADMSG,
			"sealed under key epoch %u, and these keys end at %u: they are older",
			epoch, ring->epoch_count - 1);
	envelope_aad(start, aad);
	struct box_message m = {info, aad, envelope + 8, sizeof(aad), SEAL_ENVELOPE - 8};
	int err = box_open(ring->epochs[epoch].open_key, ring->epochs[epoch].seal_key, &m, ret_key);
	if (err == -EBADMSG)
		why_set(why, err, "its envelope is damaged or forged");
	return err;
}

static int opener_make(
	const struct object_id *id, const uint8_t content_key[KEY], struct opener **ret_opener)
{
	struct opener *opener = calloc(1, sizeof(*opener));
	if (!opener)
		return -ENOMEM;
	opener->id = *id;
	memcpy(opener->content_key, content_key, KEY);
	opener->cipher = gcm_new(content_key, false);
	if (!opener->cipher) {
		opener_free(opener);
		return -ENOMEM;
	}
	*ret_opener = opener;
	return 0;
}

uint32_t seal_epoch(const uint8_t start[SEAL_BODY])
{
	return get_le32(start + OBJECT_HEADER);
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
	err = opener_make(&header.id, content_key, ret_opener);
	OPENSSL_cleanse(content_key, sizeof(content_key));
	return err;
}

int opener_copy(const struct opener *opener, struct opener **ret_opener)
{
	return opener_make(&opener->id, opener->content_key, ret_opener);
}

void opener_free(struct opener *opener)
{
	if (!opener)
		return;
	gcm_free(opener->cipher);
	OPENSSL_cleanse(opener->content_key, sizeof(opener->content_key));
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
