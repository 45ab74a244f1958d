/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a node's life: bytes, and their sum. */
#include "node/life.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/why.h"

enum { AT_WALL = 0, AT_NUMBER = 8, AT_VERSION = 16 };

void life_record_put(const struct life_record *record, uint8_t bytes[LIFE_RECORD])
{
	memset(bytes, 0, LIFE_RECORD);
	put_le64(bytes + AT_WALL, (uint64_t)record->wall_ns);
	put_le64(bytes + AT_NUMBER, record->number);
	memcpy(bytes + AT_VERSION, record->version, strnlen(record->version, LIFE_VERSION - 1));
}

int life_record_get(uint16_t kind, const void *bytes, size_t len, struct life_record *ret_record,
	struct why *why)
{
	static const uint8_t zeros[LIFE_VERSION];
	const uint8_t *at = bytes;
	if (kind > LIFE_CLOSE)
		return why_set(why, -ENOTSUP, "a record of kind %d: written by a newer ebb", kind);
	if (kind < LIFE_BOOT || len != LIFE_RECORD || at[LIFE_RECORD - 1] ||
		(kind != LIFE_BOOT && memcmp(at + AT_VERSION, zeros, LIFE_VERSION) != 0))
		return why_set(why, -EBADMSG, "a record that no ebb has written");
	struct life_record record = {
		.kind = (enum life_kind)kind,
		.wall_ns = (int64_t)get_le64(at + AT_WALL),
		.number = get_le64(at + AT_NUMBER),
	};
	memcpy(record.version, at + AT_VERSION, LIFE_VERSION);
	*ret_record = record;
	return 0;
}

int life_add(struct life *life, const struct life_record *record, struct why *why)
{
	if (record->kind == LIFE_BOOT) {
		if (record->number <= life->boot)
			return why_set(why, -EBADMSG,
				"boot %" PRIu64 " is recorded after boot %" PRIu64, record->number,
				life->boot);
		life->boot = record->number;
		life->boot_wall_ns = record->wall_ns;
		life->closed = false;
		memcpy(life->version, record->version, LIFE_VERSION);
		return 0;
	}
	if (life->boot == 0 || life->closed)
		return why_set(why, -EBADMSG, "something is recorded while no boot was under way");
	if (record->kind == LIFE_CONFIG) {
		life->config = record->number;
		life->config_wall_ns = record->wall_ns;
		return 0;
	}
	if (record->number != life->boot)
		return why_set(why, -EBADMSG,
			"the end of boot %" PRIu64 " is recorded in boot %" PRIu64, record->number,
			life->boot);
	life->closed = true;
	return 0;
}
