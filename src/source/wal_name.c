/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal digits, and the long page header. */
#include "source/wal_name.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/why.h"

enum { DIGITS = 24 };

static bool all_hex(const char *text, size_t len)
{
	return strspn(text, "0123456789ABCDEF") >= len;
}

static uint32_t hex8(const char *text)
{
	char part[9];
	snprintf(part, sizeof(part), "%.8s", text);
	return (uint32_t)strtoul(part, NULL, 16);
}

bool wal_name_read(const char *text, struct wal_name *ret_name)
{
	struct wal_name name = {.kind = WAL_OTHER, .folder = "other"};
	size_t len = strlen(text);
	if (len >= WAL_NAME || strchr(text, '/'))
		return false;
	if (len >= DIGITS && all_hex(text, DIGITS)) {
		name.timeline = hex8(text);
		name.log = hex8(text + 8);
		name.number = hex8(text + 16);
		if (len == DIGITS)
			name.kind = WAL_SEGMENT;
		else if (strcmp(text + DIGITS, ".partial") == 0)
			name.kind = WAL_PARTIAL;
		else if (strcmp(text + len - 7, ".backup") != 0)
			return false;
		if (name.kind != WAL_OTHER)
			snprintf(name.folder, sizeof(name.folder), "%.16s", text);
	} else if (!(len == 16 && all_hex(text, 8) && strcmp(text + 8, ".history") == 0)) {
		return false;
	} else {
		name.timeline = hex8(text);
	}
	*ret_name = name;
	return true;
}

static uint64_t segments_per_log(uint32_t segment_size)
{
	return (UINT64_C(1) << 32) / segment_size;
}

uint64_t wal_segment_number(const struct wal_name *name, uint32_t segment_size)
{
	return name->log * segments_per_log(segment_size) + name->number;
}

void wal_segment_name(
	uint32_t timeline, uint64_t number, uint32_t segment_size, char ret_text[WAL_NAME])
{
	uint64_t per_log = segments_per_log(segment_size);
	snprintf(ret_text, WAL_NAME, "%08X%08X%08X", timeline, (unsigned)(number / per_log),
		(unsigned)(number % per_log));
}

bool wal_lsn_read(const char *text, uint64_t *ret_lsn)
{
	unsigned high, low;
	char rest;
	if (sscanf(text, "%8X/%8X%c", &high, &low, &rest) != 2)
		return false;
	*ret_lsn = (uint64_t)high << 32 | low;
	return true;
}

int wal_start_read(const uint8_t bytes[WAL_START], const struct wal_name *name,
	struct wal_start *ret_start, struct why *why)
{
	enum { LONG_HEADER = 2 };
	struct wal_start start = {get_le64(bytes + 24), get_le32(bytes + 32)};
	uint64_t address = get_le64(bytes + 8);
	if (!(get_le16(bytes + 2) & LONG_HEADER) || start.segment_size < 1 << 20 ||
		start.segment_size > 1 << 30 || start.segment_size & (start.segment_size - 1))
		return why_set(why, -EBADMSG, "this is no WAL segment");
	if (address != wal_segment_number(name, start.segment_size) * start.segment_size)
		return why_set(why, -EBADMSG,
			"this is not the WAL that its name says: it begins at %" PRIX64 "/%" PRIX64,
			address >> 32, address & UINT32_MAX);
	*ret_start = start;
	return 0;
}
