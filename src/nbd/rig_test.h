/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this room's tests share: exports, bytes put together as a client would, and a wire between
 * them and a connection. For tests only.
 *
 * One thread.
 */
#ifndef EBB_NBD_RIG_TEST_H
#define EBB_NBD_RIG_TEST_H

#include "base/test.h"
#include "nbd/inner.h"

enum { DISK = 1 << 20, BYTES_MAX = 1 << 20 };

struct bytes {
	size_t len;
	uint8_t at[BYTES_MAX];
};

struct rig {
	struct nbd_exports exports;
	int held;
	struct nbd *nbd;
	struct bytes *heard; /* what the client got so far */
};

static const char *const rig_contexts[] = {"qemu:dirty-bitmap:a", "x-ebb:era"};
static const struct nbd_export rig_served[] = {
	{.name = "disk",
		.description = "writable",
		.size = DISK,
		.preferred = 4096,
		.shared = true,
		.fast_zero = true,
		.contexts = rig_contexts,
		.context_count = 2},
	{.name = "old",
		.description = "",
		.size = UINT64_C(1) << 40,
		.preferred = 512,
		.read_only = true,
		.rotational = true},
};

static const struct nbd_export *rig_nth(struct nbd_exports *exports, size_t index)
{
	if (index >= 2)
		return NULL;
	((struct rig *)(void *)exports)->held++;
	return &rig_served[index];
}

static const struct nbd_export *rig_get(struct nbd_exports *exports, const char *name)
{
	for (size_t i = 0; i < 2; i++)
		if (!*name || strcmp(name, rig_served[i].name) == 0)
			return rig_nth(exports, i);
	return NULL;
}

static void rig_put(struct nbd_exports *exports, const struct nbd_export *export)
{
	CHECK(export == &rig_served[0] || export == &rig_served[1]);
	((struct rig *)(void *)exports)->held--;
}

static const struct nbd_exports_ops rig_ops = {rig_get, rig_nth, rig_put};

static inline void rig_init(struct rig *rig)
{
	*rig = (struct rig){.exports = {&rig_ops}};
	rig->nbd = nbd_new(&rig->exports);
	rig->heard = calloc(1, sizeof(*rig->heard));
	CHECK(rig->nbd && rig->heard);
}

/* Every export that was given came back. */
static inline void rig_done(struct rig *rig)
{
	nbd_free(rig->nbd);
	CHECK_EQ(rig->held, 0);
	free(rig->heard);
}

/* ---- what a client says ---- */

static inline void add(struct bytes *to, const void *bytes, size_t len)
{
	CHECK(len <= BYTES_MAX - to->len);
	if (len)
		memcpy(to->at + to->len, bytes, len);
	to->len += len;
}

static inline void add16(struct bytes *to, unsigned v)
{
	uint8_t at[2];
	put16(at, (uint16_t)v);
	add(to, at, sizeof(at));
}

static inline void add32(struct bytes *to, uint32_t v)
{
	uint8_t at[4];
	put32(at, v);
	add(to, at, sizeof(at));
}

static inline void add64(struct bytes *to, uint64_t v)
{
	uint8_t at[8];
	put64(at, v);
	add(to, at, sizeof(at));
}

static inline void add_text(struct bytes *to, const char *text)
{
	add32(to, (uint32_t)strlen(text));
	add(to, text, strlen(text));
}

static inline void add_option(struct bytes *to, uint32_t option, const void *data, size_t len)
{
	add(to, "IHAVEOPT", 8);
	add32(to, option);
	add32(to, (uint32_t)len);
	add(to, data, len);
}

static inline void add_go(struct bytes *to, const char *name)
{
	add(to, "IHAVEOPT", 8);
	add32(to, 7);
	add32(to, (uint32_t)(6 + strlen(name)));
	add_text(to, name);
	add16(to, 0);
}

struct asked {
	unsigned type, flags;
	uint64_t cookie, offset, length;
};

static inline void add_request(struct bytes *to, bool extended, struct asked asked)
{
	add32(to, extended ? UINT32_C(0x21e41c71) : UINT32_C(0x25609513));
	add16(to, asked.flags);
	add16(to, asked.type);
	add64(to, asked.cookie);
	add64(to, asked.offset);
	if (extended)
		add64(to, asked.length);
	else
		add32(to, (uint32_t)asked.length);
}

/* ---- the wire ---- */

/* Up to `len` bytes reach the server. How many. */
static inline size_t rig_feed(struct rig *rig, const uint8_t *bytes, size_t len)
{
	struct iovec room[NBD_ROOM];
	unsigned count = nbd_room(rig->nbd, room);
	size_t at = 0;
	CHECK(count && room->iov_len);
	for (unsigned i = 0; i < count && at < len; i++) {
		size_t n = room[i].iov_len < len - at ? room[i].iov_len : len - at;
		memcpy(room[i].iov_base, bytes + at, n);
		at += n;
	}
	nbd_came(rig->nbd, at);
	return at;
}

/* Up to `most` bytes reach the client. */
static inline void rig_drain(struct rig *rig, size_t most)
{
	struct iovec parts[5];
	unsigned count;
	while (most && (count = nbd_waiting(rig->nbd, parts, 5))) {
		size_t sum = 0;
		for (unsigned i = 0; i < count && sum < most; i++) {
			size_t n = parts[i].iov_len < most - sum ? parts[i].iov_len : most - sum;
			add(rig->heard, parts[i].iov_base, n);
			sum += n;
		}
		nbd_sent(rig->nbd, sum);
		most -= sum;
	}
}

#endif
