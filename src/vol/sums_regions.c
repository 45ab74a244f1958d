/* SPDX-License-Identifier: Apache-2.0 */
/* Which regions may differ from their sums after a crash, and how they come to rest. */
#include <errno.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/plant.h"
#include "vol/map.h"
#include "vol/sums.h"

/* In a record: the region is at rest. */
#define REST_BIT (UINT32_C(1) << 31)

bool sums_want(struct sums *sums, uint32_t slot)
{
	uint32_t n = slot / SUMS_REGION_SLOTS;
	must(n < sums->regions.len);
	struct sums_region *region = &sums->regions.at[n];
	if (region->state == SUMS_AT_REST && !planted(VOL_SUMS_NOT_LOGGED)) {
		region->state = SUMS_WANTED;
		must(sums->wanted.len < sums->wanted.cap);
		sums->wanted.at[sums->wanted.len++] = n;
	}
	return region->state == SUMS_ACTIVE || planted(VOL_SUMS_NOT_LOGGED);
}

int sums_doubt(struct sums *sums, uint32_t slot)
{
	int err = sums_reserve(sums, (size_t)slot + 1);
	if (err)
		return err;
	(void)sums_want(sums, slot);
	struct sums_region *region = &sums->regions.at[slot / SUMS_REGION_SLOTS];
	sums->facts.suspect += !region->suspect;
	region->suspect = true;
	return 0;
}

int sums_put_wanted(struct sums *sums, uint64_t ticket, uint8_t *to, size_t room, size_t *ret_len)
{
	size_t count = room / SUMS_REGION_SIZE;
	count = sums->wanted.len < count ? sums->wanted.len : count;
	int err = vec_reserve(&sums->logged, sums->logged.len + count);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		uint32_t region = sums->wanted.at[--sums->wanted.len];
		sums->regions.at[region].state = SUMS_LOGGED;
		sums->logged.at[sums->logged.len++] = (struct sums_logged){ticket, region};
		put_le32(to + i * SUMS_REGION_SIZE, region);
	}
	*ret_len = count * SUMS_REGION_SIZE;
	return 0;
}

void sums_synced(struct sums *sums, uint64_t ticket)
{
	size_t left = 0;
	for (size_t i = 0; i < sums->logged.len; i++) {
		struct sums_logged *logged = &sums->logged.at[i];
		if (logged->ticket > ticket) {
			sums->logged.at[left++] = *logged;
			continue;
		}
		sums->regions.at[logged->region].state = SUMS_ACTIVE;
		sums->facts.active++;
	}
	sums->logged.len = left;
}

size_t sums_put_active(const struct sums *sums, uint32_t *cursor, uint8_t *to, size_t room)
{
	size_t len = 0;
	for (; *cursor < sums->regions.len && len + SUMS_REGION_SIZE <= room; ++*cursor) {
		if (sums->regions.at[*cursor].state == SUMS_AT_REST)
			continue;
		put_le32(to + len, *cursor);
		len += SUMS_REGION_SIZE;
	}
	return len;
}

static int load_region(struct sums *sums, uint32_t entry)
{
	uint32_t n = entry & ~REST_BIT;
	if (n >= VOL_SLOTS_MAX / SUMS_REGION_SLOTS)
		return -EBADMSG;
	int err = sums_reserve(sums, ((size_t)n + 1) * SUMS_REGION_SLOTS);
	if (err)
		return err;
	struct sums_region *region = &sums->regions.at[n];
	bool was = region->state == SUMS_ACTIVE, is = !(entry & REST_BIT);
	region->state = is ? SUMS_ACTIVE : SUMS_AT_REST;
	region->suspect = is;
	sums->facts.active += (uint32_t)is - (uint32_t)was;
	sums->facts.suspect += (uint32_t)is - (uint32_t)was;
	return 0;
}

int sums_load_regions(struct sums *sums, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	int err = len % SUMS_REGION_SIZE ? -EBADMSG : 0;
	for (size_t i = 0; !err && i < len; i += SUMS_REGION_SIZE)
		err = load_region(sums, get_le32(at + i));
	return err;
}

/* ---- rest ---- */

bool sums_rest_begin(struct sums *sums, bool all)
{
	bool some = false;
	vec_each (region, &sums->regions) {
		bool recent = region->recent;
		region->recent = false;
		region->resting = region->state == SUMS_ACTIVE && region->writes == 0 &&
			!region->suspect && (all || !recent);
		some |= region->resting;
	}
	return some;
}

/* Pages that are not in memory were written back before they left it. */
static bool is_written(const struct sums *sums, uint32_t region)
{
	enum { PAGES = SUMS_REGION_SLOTS / SUMS_PAGE_SLOTS };
	for (uint32_t page = region * PAGES; page < (region + 1) * PAGES; page++) {
		uint32_t n = sums->frame_of.at[page];
		if (n && (sums->frames.at[n - 1].dirty || sums->frames.at[n - 1].writing))
			return false;
	}
	return true;
}

size_t sums_rest_end(struct sums *sums, uint8_t *to, size_t room)
{
	size_t len = 0;
	for (uint32_t n = 0; n < sums->regions.len && len + SUMS_REGION_SIZE <= room; n++) {
		struct sums_region *region = &sums->regions.at[n];
		if (!region->resting)
			continue;
		region->resting = false;
		if (!is_written(sums, n) && !planted(VOL_SUMS_NOT_WRITTEN))
			continue;
		region->state = SUMS_AT_REST;
		sums->facts.active--;
		put_le32(to + len, n | REST_BIT);
		len += SUMS_REGION_SIZE;
	}
	return len;
}

uint32_t sums_suspect(const struct sums *sums, uint32_t region)
{
	for (; sums->facts.suspect && region < sums->regions.len; region++)
		if (sums->regions.at[region].suspect)
			return region;
	return UINT32_MAX;
}

void sums_verify(struct sums *sums, uint32_t n)
{
	must(sums->regions.at[n].suspect);
	sums->regions.at[n].verifying = true;
}

void sums_verified(struct sums *sums, uint32_t n)
{
	struct sums_region *region = &sums->regions.at[n];
	if (!region->verifying)
		return;
	region->suspect = region->verifying = false;
	sums->facts.suspect--;
}
