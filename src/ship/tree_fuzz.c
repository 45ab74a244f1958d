/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees as a hostile repository may hold them: any bytes are refused, or give entries whose names
 * are single components and whose parts lie within the bytes.
 */
#include <stdint.h>
#include <string.h>

#include "base/must.h"
#include "ship/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint64_t touch(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t sum = 0;
	for (size_t i = 0; i < len; i++)
		sum += at[i];
	return sum;
}

static uint64_t visit(const struct tree_entry *entry)
{
	struct tree_xattr xattr;
	must(entry->name_len && entry->name_len <= FILES_NAME_MAX);
	must(!memchr(entry->name, '/', entry->name_len));
	must(!memchr(entry->name, '\0', entry->name_len));
	uint64_t sum = touch(entry->name, entry->name_len) +
		touch(entry->target, entry->target_len) +
		touch(entry->digests, entry->digest_count * DIGEST_SIZE);
	if (entry->folder)
		sum += touch(entry->folder, DIGEST_SIZE);
	for (size_t i = 0; i < entry->extent_count; i++)
		sum += tree_extent_at(entry, i).to;
	for (size_t at = 0; tree_next_xattr(entry, &at, &xattr);)
		sum += touch(xattr.name, xattr.name_len) + touch(xattr.value, xattr.len);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t copy[4096];
	uint64_t sum = 0;
	if (len > sizeof(copy))
		return 0;
	memcpy(copy, data, len);
	struct tree tree = {.bytes = copy, .len = len, .at = copy};
	struct tree_entry entry;
	while (tree_next(&tree, &entry, NULL) == 1)
		sum += visit(&entry);
	/* Cannot fail, but keeps the reads: they are what a sanitizer looks at. */
	must(sum < UINT64_MAX);
	return 0;
}
