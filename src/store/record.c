/* SPDX-License-Identifier: Apache-2.0 */
/* Records to bytes and back. */
#include "store/record.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/plant.h"
#include "store/head.h"
#include "store/journal.h"

enum { AT_CHAIN = 8, AT_SEQUENCE = 16, AT_SYNCED = 24, AT_LEN = 32, AT_KIND = 36, AT_ZERO = 38 };

uint64_t record_seed(const uint8_t *identity, uint64_t generation)
{
	return hash64(identity, IDENTITY_SIZE, generation);
}

size_t record_size(size_t len)
{
	return (RECORD_HEAD + len + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
}

static uint64_t checksum(const uint8_t *bytes, size_t size, uint64_t seed, uint64_t at)
{
	uint8_t place[8];
	put_le64(place, at);
	return hash64(bytes + AT_CHAIN, size - AT_CHAIN, hash64(place, sizeof(place), seed));
}

void record_put(
	struct record *record, const void *payload, uint64_t seed, uint64_t at, uint8_t *bytes)
{
	size_t size = record_size(record->len);
	put_le64(bytes + AT_CHAIN, record->chain);
	put_le64(bytes + AT_SEQUENCE, record->sequence);
	put_le64(bytes + AT_SYNCED, record->synced);
	put_le32(bytes + AT_LEN, record->len);
	put_le16(bytes + AT_KIND, record->kind);
	put_le16(bytes + AT_ZERO, 0);
	if (record->len) {
		memset(bytes + size - RECORD_ALIGN, 0, RECORD_ALIGN);
		memcpy(bytes + RECORD_HEAD, payload, record->len);
	}
	record->checksum = checksum(bytes, size, seed, at);
	put_le64(bytes, record->checksum);
}

bool record_head(const uint8_t *bytes, struct record *ret_record)
{
	struct record record = {
		.checksum = get_le64(bytes),
		.chain = get_le64(bytes + AT_CHAIN),
		.sequence = get_le64(bytes + AT_SEQUENCE),
		.synced = get_le64(bytes + AT_SYNCED),
		.len = get_le32(bytes + AT_LEN),
		.kind = get_le16(bytes + AT_KIND),
	};
	bool mark = record.kind == RECORD_MARK;
	if (record.len > JOURNAL_RECORD_MAX || get_le16(bytes + AT_ZERO) != 0)
		return false;
	if (mark ? record.len || record.synced != record.sequence
		 : record.synced >= record.sequence)
		return false;
	*ret_record = record;
	return true;
}

bool record_whole(const struct record *record, const uint8_t *bytes, uint64_t seed, uint64_t at)
{
	if (planted(JOURNAL_RECORD_UNCHECKED))
		return true;
	return record->checksum == checksum(bytes, record_size(record->len), seed, at);
}
