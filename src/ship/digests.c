/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing by the first bytes of the digest, which are as good as random. */
#include "ship/digests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static const struct digest none;

/* The slot that holds the digest, or the free one where it belongs. */
static struct digest *find(const struct digests *set, const struct digest *digest)
{
	size_t mask = set->slot_count - 1, i = get_le64(digest->b) & mask;
	while (memcmp(&set->slots[i], &none, sizeof(none)) != 0 &&
		memcmp(&set->slots[i], digest, sizeof(none)) != 0)
		i = (i + 1) & mask;
	return &set->slots[i];
}

static int grow(struct digests *set)
{
	struct digests larger = {.slot_count = set->slot_count ? set->slot_count * 2 : 256};
	larger.slots = calloc(larger.slot_count, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->slot_count; i++)
		if (memcmp(&set->slots[i], &none, sizeof(none)) != 0)
			*find(&larger, &set->slots[i]) = set->slots[i];
	larger.len = set->len;
	free(set->slots);
	*set = larger;
	return 0;
}

int digests_add(struct digests *set, const struct digest *digest)
{
	if (digests_has(set, digest))
		return 0;
	int err = set->len * 2 >= set->slot_count ? grow(set) : 0;
	if (err)
		return err;
	*find(set, digest) = *digest;
	set->len++;
	return 0;
}

bool digests_has(const struct digests *set, const struct digest *digest)
{
	return set->slot_count && memcmp(find(set, digest), digest, sizeof(none)) == 0;
}

void digests_done(struct digests *set)
{
	free(set->slots);
	*set = (struct digests){0};
}
