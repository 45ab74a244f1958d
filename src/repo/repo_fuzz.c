/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of points, indexes and heads, as a place may give them back: any bytes are read or
 * refused, and what was read writes the same bytes again. The first byte chooses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "chunk/keys.h"
#include "repo/head.h"
#include "repo/index.h"
#include "repo/point.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_point(const uint8_t *body, size_t len)
{
	struct point point, again;
	OWN(own_free) uint8_t *bytes = NULL;
	size_t bytes_len;
	if (point_get(body, len, &point, NULL) || point_put(&point, &bytes, &bytes_len))
		return;
	must(point_get(bytes, bytes_len, &again, NULL) == 0);
	must(memcmp(&point, &again, sizeof(point)) == 0);
}

static void fuzz_index(const uint8_t *body, size_t len)
{
	OWN(index_done) struct index index = {0};
	OWN(index_done) struct index again = {0};
	OWN(own_free) uint8_t *bytes = NULL;
	size_t bytes_len;
	if (index_get(&index, body, len, NULL))
		return;
	vec_each (entry, &index.entries) {
		struct index_entry found;
		must(index_find(&index, &entry->at.digest, &found) == 1 &&
			found.pack == entry->pack);
	}
	uint32_t next;
	if (index_put(&index, 0, &bytes, &bytes_len, &next))
		return;
	must(index_get(&again, bytes, bytes_len, NULL) == 0);
	must(again.packs.len == next && next <= index.packs.len);
	must(next < index.packs.len || again.entries.len == index.entries.len);
}

/* The public key of RFC 8032, section 7.1, test 1: nobody finds a signature by mutation. */
static const uint8_t public_key[32] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b,
	0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf,
	0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};

static void fuzz_head(const uint8_t *body, size_t len)
{
	static const struct object_id repo;
	struct key_ring *ring = calloc(1, sizeof(*ring));
	struct head head;
	struct why why;
	if (!ring)
		return;
	ring->epoch_count = 1;
	memcpy(ring->epochs[0].sign_public, public_key, sizeof(public_key));
	/* What gets so far is refused at the signature. */
	must(head_get(body, len, &repo, ring, &head, &why) != 0);
	free(ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	if (data[0] % 3 == 0)
		fuzz_point(data + 1, len - 1);
	else if (data[0] % 3 == 1)
		fuzz_index(data + 1, len - 1);
	else
		fuzz_head(data + 1, len - 1);
	return 0;
}
