/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of one simulated file, with the older versions that a crash may bring back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "sim/disk_inner.h"

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

int inode_reserve(struct inode *inode, uint64_t size)
{
	if (size <= inode->cap)
		return 0;
	if (size > SIZE_MAX / 4)
		return -EFBIG;
	uint64_t want = max_u64((size / SIM_SECTOR + 1) * SIM_SECTOR, inode->cap * 2);
	uint8_t *grown = realloc(inode->bytes, want);
	if (!grown)
		return -ENOMEM;
	memset(grown + inode->cap, 0, want - inode->cap);
	inode->bytes = grown;
	inode->cap = want;
	return 0;
}

static uint64_t sectors_between(uint64_t at, uint64_t end)
{
	return at < end ? (end - 1) / SIM_SECTOR - at / SIM_SECTOR + 1 : 0;
}

static int reserve_pending(struct inode *inode, uint64_t sectors)
{
	int err = vec_reserve(&inode->pendings, inode->pendings.len + sectors);
	if (!err)
		err = vec_reserve(&inode->versions, inode->versions.len + sectors);
	size_t need = inode->cap / SIM_SECTOR;
	if (err || need <= inode->pending_cap)
		return err;
	uint32_t *grown = reallocarray(inode->pending_of, need, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + inode->pending_cap, 0, (need - inode->pending_cap) * sizeof(*grown));
	inode->pending_of = grown;
	inode->pending_cap = need;
	return 0;
}

/* Keeps what the sector holds now as a version. Room was reserved. */
static void keep_version(struct inode *inode, struct pending *pending)
{
	struct version *version = &inode->versions.at[inode->versions.len];
	memcpy(version->bytes, inode->bytes + pending->sector * SIM_SECTOR, SIM_SECTOR);
	version->hash = hash64(version->bytes, SIM_SECTOR, 0);
	version->before = pending->newest;
	pending->newest = (uint32_t)inode->versions.len++;
	pending->options++;
}

/* New bytes within one sector; NULL: zeros. */
static void store_sector(struct inode *inode, const uint8_t *bytes, size_t len, uint64_t at)
{
	static const uint8_t zeros[SIM_SECTOR];
	uint64_t sector = at / SIM_SECTOR;
	uint32_t place = inode->pending_of[sector];
	struct pending *pending = place ? &inode->pendings.at[place - 1] : NULL;
	if (pending && bytes)
		pending->lost = false;
	if (!bytes)
		bytes = zeros;
	if (memcmp(inode->bytes + at, bytes, len) == 0)
		return; /* the same again makes no new version */
	if (!pending) {
		pending = &inode->pendings.at[inode->pendings.len++];
		*pending = (struct pending){.sector = sector, .newest = NONE, .options = 1};
		inode->pending_of[sector] = (uint32_t)inode->pendings.len;
	}
	pending->lost = false;
	keep_version(inode, pending);
	memcpy(inode->bytes + at, bytes, len);
	pending->hash = hash64(inode->bytes + sector * SIM_SECTOR, SIM_SECTOR, 0);
}

static void store(struct inode *inode, const uint8_t *bytes, uint64_t at, uint64_t end)
{
	while (at < end) {
		uint64_t stop = min_u64(end, (at / SIM_SECTOR + 1) * SIM_SECTOR);
		store_sector(inode, bytes, stop - at, at);
		if (bytes)
			bytes += stop - at;
		at = stop;
	}
}

static void change_size(struct inode *inode, uint64_t size)
{
	if (size == inode->size)
		return;
	if (inode->sizes.len == 0)
		inode->sizes.at[inode->sizes.len++] = inode->size;
	inode->sizes.at[inode->sizes.len++] = size;
	if (size < inode->size)
		inode->stale = max_u64(inode->stale, inode->size);
	inode->size = size;
	inode->size_lost = false;
}

/* Makes room for bytes from `at` to `end`, and zeros of what a truncation had left before them. */
static int prepare(struct inode *inode, uint64_t at, uint64_t end)
{
	uint64_t gap_end = min_u64(at, inode->stale);
	int err = vec_reserve(&inode->sizes, inode->sizes.len + 2);
	if (!err)
		err = inode_reserve(inode, at < end ? end : gap_end);
	if (!err)
		err = reserve_pending(
			inode, sectors_between(inode->size, gap_end) + sectors_between(at, end));
	if (!err && inode->size < gap_end)
		store(inode, NULL, inode->size, gap_end);
	return err;
}

ssize_t inode_read(const struct inode *inode, void *bytes, size_t len, uint64_t at)
{
	if (at >= inode->size)
		return 0;
	len = min_u64(len, inode->size - at);
	size_t held = at < inode->cap ? min_u64(len, inode->cap - at) : 0;
	if (held)
		memcpy(bytes, inode->bytes + at, held);
	memset((uint8_t *)bytes + held, 0, len - held);
	return (ssize_t)len;
}

int inode_write(struct inode *inode, const void *bytes, size_t len, uint64_t at)
{
	uint64_t end;
	if (!add_fits(at, len, &end) || end > INT64_MAX)
		return -EFBIG;
	int err = prepare(inode, at, end);
	if (err)
		return err;
	store(inode, bytes, at, end);
	if (end > inode->size)
		change_size(inode, end);
	return 0;
}

int inode_truncate(struct inode *inode, uint64_t size)
{
	if (size > INT64_MAX)
		return -EFBIG;
	int err = prepare(inode, size, size);
	if (!err)
		change_size(inode, size);
	return err;
}

/* What lies beyond a durable size can never come back. */
static void cut_versions(struct inode *inode, struct pending *pending)
{
	uint64_t start = pending->sector * SIM_SECTOR;
	if (start + SIM_SECTOR <= inode->size)
		return;
	uint64_t keep = inode->size - start;
	for (uint32_t i = pending->newest; i != NONE; i = inode->versions.at[i].before) {
		struct version *version = &inode->versions.at[i];
		memset(version->bytes + keep, 0, SIM_SECTOR - keep);
		version->hash = hash64(version->bytes, SIM_SECTOR, 0);
	}
	pending->hash = hash64(inode->bytes + start, SIM_SECTOR, 0);
}

static void cut_tail(struct inode *inode)
{
	uint64_t end = min_u64(inode->stale, inode->cap);
	if (end > inode->size)
		memset(inode->bytes + inode->size, 0, end - inode->size);
	inode->stale = 0;
}

void inode_sync(struct inode *inode)
{
	bool sized = !inode->size_lost;
	if (sized) {
		inode->sizes.len = 0;
		cut_tail(inode);
	}
	size_t kept = 0;
	for (size_t i = 0; i < inode->pendings.len; i++) {
		struct pending pending = inode->pendings.at[i];
		inode->pending_of[pending.sector] = 0;
		if (!pending.lost || (sized && pending.sector * SIM_SECTOR >= inode->size))
			continue;
		if (sized)
			cut_versions(inode, &pending);
		inode->pendings.at[kept++] = pending;
		inode->pending_of[pending.sector] = (uint32_t)kept;
	}
	inode->pendings.len = kept;
	if (!kept)
		inode->versions.len = 0;
}

void inode_lose(struct inode *inode)
{
	inode->size_lost = inode->sizes.len > 0;
	vec_each (pending, &inode->pendings)
		pending->lost = true;
}

void inode_clear(struct inode *inode)
{
	uint64_t used = min_u64(max_u64(inode->size, inode->stale), inode->cap);
	if (used)
		memset(inode->bytes, 0, used);
	vec_each (pending, &inode->pendings)
		inode->pending_of[pending->sector] = 0;
	inode->pendings.len = inode->versions.len = inode->sizes.len = 0;
	inode->size = inode->stale = 0;
	inode->size_lost = false;
	inode->locked_by = NULL;
}

void inode_done(struct inode *inode)
{
	free(inode->bytes);
	free(inode->pending_of);
	vec_done(&inode->sizes);
	vec_done(&inode->pendings);
	vec_done(&inode->versions);
}
