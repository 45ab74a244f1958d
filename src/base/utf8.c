/* SPDX-License-Identifier: Apache-2.0 */
/* Strict UTF-8. */
#include "base/utf8.h"

size_t utf8_take(const char *text, size_t len, uint32_t *ret_code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* by length in bytes */
	uint8_t first = (uint8_t)text[0];
	size_t size = first < 0x80 ? 1
		: first < 0xc0     ? 0
		: first < 0xe0     ? 2
		: first < 0xf0     ? 3
		: first < 0xf8     ? 4
				   : 0;
	if (!size || size > len)
		return 0;
	uint32_t code = size == 1 ? first : first & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		uint8_t byte = (uint8_t)text[i];
		if ((byte & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (byte & 0x3fu);
	}
	if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return size;
}

bool utf8_is_shown(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	if (code >= 0x200b && code <= 0x200f) /* zero width, marks of direction */
		return false;
	if ((code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f))
		return false; /* separators, embeddings, isolates */
	return code != 0xad && code != 0xfeff && (code & 0xfffe) != 0xfffe;
}
