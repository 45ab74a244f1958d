/* SPDX-License-Identifier: Apache-2.0 */
/* Headers and names of objects. */
#include "chunk/object.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/why.h"

static const char magic[8] = "EBBOBJ\r\n";
enum { FORMAT_VERSION = 1 };

static const char *const folders[OBJECT_KINDS] = {
	[OBJECT_KEY] = "key",
	[OBJECT_DATA] = "data",
	[OBJECT_META] = "meta",
	[OBJECT_INDEX] = "index",
	[OBJECT_POINT] = "point",
	[OBJECT_HEAD] = "head",
	[OBJECT_INBOX] = "inbox",
};

void object_put_header(uint8_t at[OBJECT_HEADER], const struct object_header *header)
{
	memcpy(at, magic, sizeof(magic));
	put_le16(at + 8, FORMAT_VERSION);
	put_le16(at + 10, (uint16_t)header->kind);
	put_le32(at + 12, 0);
	memcpy(at + 16, header->repo.b, sizeof(header->repo.b));
	memcpy(at + 32, header->id.b, sizeof(header->id.b));
	put_le64(at + 48, header->length);
	put_le64(at + 56, hash64(at, 56, 0));
}

int object_get_header(
	const uint8_t *at, size_t len, struct object_header *ret_header, struct why *why)
{
	if (len < OBJECT_HEADER)
		return why_set(why, -EBADMSG, "%zu bytes are too few for an object", len);
	if (memcmp(at, magic, sizeof(magic)) != 0)
		return why_set(why, -EBADMSG, "this is no object of an ebb repository");
	if (get_le64(at + 56) != hash64(at, 56, 0))
		return why_set(why, -EBADMSG, "the header is damaged (its checksum differs)");
	if (get_le16(at + 8) != FORMAT_VERSION || get_le32(at + 12))
		return why_set(why, -ENOTSUP,
			"written by a newer ebb (format %u, capabilities 0x%x): use that one",
			(unsigned)get_le16(at + 8), (unsigned)get_le32(at + 12));
	unsigned kind = get_le16(at + 10);
	uint64_t length = get_le64(at + 48);
	if (kind < OBJECT_REPO || kind >= OBJECT_KINDS)
		return why_set(why, -EBADMSG, "the header names the unknown kind %u", kind);
	if (length < OBJECT_HEADER || length > OBJECT_MAX)
		return why_set(why, -EBADMSG, "the header claims a length of %" PRIu64, length);
	struct object_header header = {.kind = (enum object_kind)kind, .length = length};
	memcpy(header.repo.b, at + 16, sizeof(header.repo.b));
	memcpy(header.id.b, at + 32, sizeof(header.id.b));
	*ret_header = header;
	return 0;
}

int object_is(const struct object_header *header, enum object_kind kind,
	const struct object_id *repo, const struct object_id *id, struct why *why)
{
	char text[33];
	if (!object_id_equal(&header->repo, repo))
		return why_set(why, -EBADMSG, "it belongs to another repository (%s)",
			object_show_id(&header->repo, text));
	if (header->kind != kind || !object_id_equal(&header->id, id))
		return why_set(why, -EBADMSG, "another object lies in its place (%s)",
			object_show_id(&header->id, text));
	return 0;
}

bool object_id_equal(const struct object_id *a, const struct object_id *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

const char *object_show_id(const struct object_id *id, char text[33])
{
	for (size_t i = 0; i < sizeof(id->b); i++)
		snprintf(text + 2 * i, 3, "%02x", id->b[i]);
	return text;
}

struct object_id object_head_id(uint64_t generation)
{
	struct object_id id = {"........ebb head"};
	put_le64(id.b, generation);
	return id;
}

uint64_t object_head_generation(const struct object_id *id)
{
	return get_le64(id->b);
}

const char *object_name(enum object_kind kind, const struct object_id *id, char name[OBJECT_NAME])
{
	char hex[33];
	object_show_id(id, hex);
	if (kind == OBJECT_REPO)
		snprintf(name, OBJECT_NAME, "repo");
	else if (kind == OBJECT_HEAD)
		snprintf(name, OBJECT_NAME, "head/%016" PRIx64, object_head_generation(id));
	else if (kind == OBJECT_DATA || kind == OBJECT_META)
		snprintf(name, OBJECT_NAME, "%s/%.2s/%s", folders[kind], hex, hex);
	else
		snprintf(name, OBJECT_NAME, "%s/%s", folders[kind], hex);
	return name;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Exactly 2 * len hex digits and the end. */
static bool read_hex(const char *text, uint8_t *ret_bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
		if (low < 0)
			return false;
		ret_bytes[i] = (uint8_t)(high << 4 | low);
	}
	return !text[2 * len];
}

bool object_parse_name(const char *name, enum object_kind *ret_kind, struct object_id *ret_id)
{
	const char *last = strrchr(name, '/');
	const char *hex = last ? last + 1 : name;
	struct object_id id;
	uint8_t generation[8];
	if (read_hex(hex, generation, sizeof(generation)))
		id = object_head_id(be64toh(get_le64(generation)));
	else if (!read_hex(hex, id.b, sizeof(id.b)))
		return false;
	/* Writing it again and comparing leaves one place that knows how names look. */
	for (enum object_kind kind = OBJECT_KEY; kind < OBJECT_KINDS; kind++) {
		char again[OBJECT_NAME];
		if (strcmp(object_name(kind, &id, again), name) == 0) {
			*ret_kind = kind;
			*ret_id = id;
			return true;
		}
	}
	return false;
}
