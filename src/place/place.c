/* SPDX-License-Identifier: Apache-2.0 */
/* What every place has in common. */
#include "place/place.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"

void *place_memory(const struct place *place, size_t len)
{
	size_t grain = place->grain;
	if (!grain)
		return malloc(len ? len : 1);
	return aligned_alloc(grain, (len + grain) / grain * grain);
}

int place_get_whole(
	struct place *place, const char *name, size_t limit, uint8_t **ret_bytes, size_t *ret_len)
{
	uint64_t size;
	if (place->ops->whole)
		return place->ops->whole(place, name, limit, ret_bytes, ret_len);
	int err = place_size(place, name, &size);
	if (err)
		return err;
	if (size > limit)
		return -EFBIG;
	OWN(own_free) uint8_t *bytes = place_memory(place, size);
	if (!bytes)
		return -ENOMEM;
	ssize_t n = place_get(place, name, 0, bytes, size);
	if (n < 0)
		return (int)n;
	*ret_bytes = TAKE(bytes);
	*ret_len = (size_t)n;
	return 0;
}
