/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of WAL files, and what a segment's first page says of itself (PostgreSQL 15,
 * access/xlog_internal.h).
 *
 * Any thread.
 */
#ifndef EBB_SOURCE_WAL_NAME_H
#define EBB_SOURCE_WAL_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

enum { WAL_NAME = 64, WAL_FOLDER = 17, WAL_START = 40 };

enum wal_kind { WAL_SEGMENT = 1, WAL_PARTIAL, WAL_OTHER };

struct wal_name {
	enum wal_kind kind;
	uint32_t timeline, log, number; /* of a segment: the three parts of its name */
	char folder[WAL_FOLDER];        /* where the archive keeps it */
};

/* False: no server archives a file of that name. */
bool wal_name_read(const char *text, struct wal_name *ret_name);

/* How many segments of that size lie before it, on all timelines alike; and its name again. */
uint64_t wal_segment_number(const struct wal_name *name, uint32_t segment_size);
void wal_segment_name(
	uint32_t timeline, uint64_t number, uint32_t segment_size, char ret_text[WAL_NAME]);

/* "0/3000028" to the number of the byte. */
bool wal_lsn_read(const char *text, uint64_t *ret_lsn);

struct wal_start {
	uint64_t system_identifier;
	uint32_t segment_size;
};

/* What the first bytes of a segment say. -EBADMSG: it is not the segment that its name says. */
int wal_start_read(const uint8_t bytes[WAL_START], const struct wal_name *name,
	struct wal_start *ret_start, struct why *why);

#endif
