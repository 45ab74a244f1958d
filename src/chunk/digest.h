/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyed name of a chunk: HMAC-SHA-256 over its kind and its bytes. It says who it is and proves
 * what it holds; without the id key nobody can make one, or test a guess.
 *
 * A digester belongs to one thread.
 */
#ifndef EBB_CHUNK_DIGEST_H
#define EBB_CHUNK_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chunk_kind {
	CHUNK_CONTENT = 1,
	CHUNK_TREE,
	CHUNK_LIST,
	CHUNK_MAP,
	CHUNK_BLOCKS,
	CHUNK_SUMS,
	CHUNK_KINDS
};

enum { DIGEST_SIZE = 32 };

struct digest {
	uint8_t b[DIGEST_SIZE];
};

struct digester;

/* Gives a digester. 0 or -ENOMEM. */
int digester_new(const uint8_t id_key[32], struct digester **ret_digester);
void digester_free(struct digester *digester);

/* 0, or -EIO when the library fails. */
int digest_of(struct digester *digester, enum chunk_kind kind, const void *bytes, size_t len,
	struct digest *ret_digest);

/* In time that does not depend on the bytes. */
bool digest_equal(const struct digest *a, const struct digest *b);

#endif
