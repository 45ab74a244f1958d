/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key slots: the repository's key bundle, wrapped under a secret that somebody keeps.
 * FORMATS-REPOSITORY.md, "Repo and key slots".
 *
 * Any thread.
 */
#ifndef EBB_REPO_SLOT_H
#define EBB_REPO_SLOT_H

#include "chunk/keys.h"
#include "chunk/object.h"

struct dice;
struct why;

/* Wraps the ring under a secret of 32 bytes. Fills the header's length; gives header and body. */
int slot_make(struct object_header *header, const struct key_ring *ring,
	const uint8_t secret[SECRET_SIZE], struct dice *dice, uint8_t **ret_bytes);

/* -EACCES: another secret wraps this slot. Gives the ring. */
int slot_open(const uint8_t *bytes, size_t len, const uint8_t secret[SECRET_SIZE],
	struct key_ring **ret_ring, struct why *why);

#endif
