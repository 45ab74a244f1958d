/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record of a journal as bytes (docs/FORMATS.md, "Journals"). No I/O.
 *
 * Any thread.
 */
#ifndef EBB_STORE_RECORD_H
#define EBB_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_HEAD = 40, RECORD_ALIGN = 8, RECORD_MARK = 0 };

struct record {
	uint64_t checksum;
	uint64_t chain;
	uint64_t sequence;
	uint64_t synced;
	uint32_t len; /* of the payload */
	uint16_t kind;
};

/* What makes a checksum count only in this journal and generation. */
uint64_t record_seed(const uint8_t *identity, uint64_t generation);

/* Bytes of a whole record with a payload of `len`: at most a little more than JOURNAL_RECORD_MAX.
 */
size_t record_size(size_t len);

/* Writes record_size(record->len) bytes for offset `at`, and stores the checksum in the record. */
void record_put(
	struct record *record, const void *payload, uint64_t seed, uint64_t at, uint8_t *bytes);

/* Reads the RECORD_HEAD bytes. False: no record can begin like this. */
bool record_head(const uint8_t *bytes, struct record *ret_record);

/* Whether the record_size() bytes are what was written at offset `at` of this journal. */
bool record_whole(const struct record *record, const uint8_t *bytes, uint64_t seed, uint64_t at);

#endif
