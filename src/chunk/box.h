/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message to the holder of an X25519 key, from anybody who knows its public half: a fresh pair
 * for each message, HKDF over what the two agree on, AES-256-GCM. Envelopes and key slots are such
 * boxes. FORMATS-REPOSITORY.md, "Boxes".
 *
 * It says nothing about who sent it: whoever must know that signs, or proves what he knows inside.
 *
 * Any thread.
 */
#ifndef EBB_CHUNK_BOX_H
#define EBB_CHUNK_BOX_H

#include <stddef.h>
#include <stdint.h>

#include "chunk/object.h"

struct clock;
struct dice;

enum { BOX_EXTRA = 48 }; /* the sender's public key before, and the tag behind */

/* A private key, and the public one that belongs to it. */
int box_public(const uint8_t private_key[32], uint8_t ret_public[32]);

struct box_message {
	const char *info; /* what kind of box: one cannot be taken for another */
	const uint8_t *aad, *in;
	size_t aad_len, len; /* of `in`; when opening with BOX_EXTRA */
};

/* Where fresh keys come from. Borrowed. */
struct box_chance {
	const struct object_id *id; /* of the object that the box belongs to */
	struct dice *dice;
	struct clock *clock;
};

/*
 * 32 fresh bytes that differ from a twin's even when a machine was cloned while it ran and both
 * draw the same dice: the object's id, wall and monotonic time go into them.
 */
int box_fresh(const struct box_chance *chance, const char *info, uint8_t ret_key[32]);

/* Writes len + BOX_EXTRA bytes. */
int box_seal(const uint8_t to[32], const struct box_chance *chance,
	const struct box_message *message, uint8_t *ret_box);

/* Writes len - BOX_EXTRA bytes. -EBADMSG: not for this key, or not as it was sealed. */
int box_open(const uint8_t private_key[32], const uint8_t public_key[32],
	const struct box_message *message, uint8_t *ret_plain);

#endif
