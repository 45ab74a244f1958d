/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a map of changed ranges. */
#include "ship/changed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/container.h"
#include "base/own.h"
#include "base/why.h"

static const char magic[8] = {'E', 'B', 'B', 'C', 'H', 'G', '\r', '\n'};
static const char since_word[] = "since ";

enum { PAIR = 16, SINCE_WORD = sizeof(since_word) - 1, ID_DIGITS = 32 };

static int next_range(
	struct image_ranges *ranges, uint64_t at, uint64_t *ret_from, uint64_t *ret_to)
{
	struct changed *changed = container_of(ranges, struct changed, ranges);
	size_t low = 0, high = changed->list.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (changed->list.at[middle].to <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == changed->list.len)
		return -ENXIO;
	*ret_from = changed->list.at[low].from;
	*ret_to = changed->list.at[low].to;
	return 0;
}

/* NULL, or what is wrong with a range. */
static const char *add_range(struct changed *changed, uint64_t offset, uint64_t length)
{
	struct changed_range range = {offset, 0};
	size_t len = changed->list.len;
	if (!length)
		return "the length is 0";
	if (!add_fits(offset, length, &range.to) || range.to > INT64_MAX)
		return "it ends beyond the largest offset there is";
	if (len && offset < changed->list.at[len - 1].to)
		return "it begins before the end of the range before it";
	return vec_push(&changed->list, range) ? "no memory" : NULL;
}

/* Decimal digits up to `end` or the first other character; false: none, or too many. */
static bool number(const char **at, const char *end, uint64_t *ret_value)
{
	const char *begin = *at;
	uint64_t value = 0;
	while (*at < end && **at >= '0' && **at <= '9') {
		unsigned digit = (unsigned)(*(*at)++ - '0');
		if (!mul_fits(value, 10u, &value) || !add_fits(value, digit, &value))
			return false;
	}
	*ret_value = value;
	return *at > begin;
}

static const char *since_line(struct changed *changed, const char *at, const char *end)
{
	if (changed->has_since || changed->list.len)
		return "`since` stands once, before the first range";
	if (end - at != ID_DIGITS)
		return "`since` wants the 32 digits of a point";
	for (unsigned i = 0; i < ID_DIGITS; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit = memchr(digits, at[i], 16);
		if (!digit)
			return "`since` wants the 32 digits of a point";
		unsigned value = (unsigned)(digit - digits);
		uint8_t *byte = &changed->since.b[i / 2];
		*byte = (uint8_t)(i % 2 ? *byte | value : value << 4);
	}
	changed->has_since = true;
	return NULL;
}

static const char *one_line(struct changed *changed, const char *at, const char *end)
{
	uint64_t offset, length;
	if (at == end || *at == '#')
		return NULL;
	if (end - at >= SINCE_WORD && memcmp(at, since_word, SINCE_WORD) == 0)
		return since_line(changed, at + SINCE_WORD, end);
	if (!number(&at, end, &offset) || at == end || *at++ != ',' || !number(&at, end, &length) ||
		at != end)
		return "it is not OFFSET,LENGTH in decimal bytes";
	return add_range(changed, offset, length);
}

static int read_text(const char *at, const char *end, struct changed *changed, struct why *why)
{
	for (uint64_t line = 1; at < end; line++) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		const char *stop = next ? next : end;
		const char *wrong = one_line(changed, at, stop);
		if (wrong)
			return why_set(why, -EINVAL, "line %" PRIu64 ": %s", line, wrong);
		at = next ? next + 1 : end;
	}
	return 0;
}

static int read_binary(const uint8_t *at, size_t len, struct changed *changed, struct why *why)
{
	static const struct object_id none;
	if (len < sizeof(none.b) || (len - sizeof(none.b)) % PAIR)
		return why_set(why, -EINVAL, "it ends within a pair");
	memcpy(changed->since.b, at, sizeof(none.b));
	changed->has_since = !object_id_equal(&changed->since, &none);
	at += sizeof(none.b);
	for (size_t i = 0; i < (len - sizeof(none.b)) / PAIR; i++) {
		const char *wrong = add_range(
			changed, get_le64(at + i * PAIR), get_le64(at + i * PAIR + PAIR / 2));
		if (wrong)
			return why_set(why, -EINVAL, "pair %zu: %s", i + 1, wrong);
	}
	return 0;
}

int changed_read(const void *bytes, size_t len, struct changed *ret_changed, struct why *why)
{
	struct changed changed = {.ranges.next = next_range};
	bool binary = len >= sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) == 0;
	const char *text = bytes;
	int err = binary ? read_binary((const uint8_t *)bytes + sizeof(magic), len - sizeof(magic),
				   &changed, why)
			 : read_text(text, text + len, &changed, why);
	if (err) {
		changed_done(&changed);
		return err;
	}
	*ret_changed = changed;
	return 0;
}

void changed_done(struct changed *changed)
{
	vec_done(&changed->list);
}
