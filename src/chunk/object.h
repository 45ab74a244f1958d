/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every object of a repository begins with, and how it is named. FORMATS-REPOSITORY.md has the
 * bytes.
 *
 * Any thread.
 */
#ifndef EBB_CHUNK_OBJECT_H
#define EBB_CHUNK_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

enum object_kind {
	OBJECT_REPO = 1,
	OBJECT_KEY,
	OBJECT_DATA,
	OBJECT_META,
	OBJECT_INDEX,
	OBJECT_POINT,
	OBJECT_HEAD,
	OBJECT_INBOX,
	OBJECT_KINDS
};

enum {
	OBJECT_HEADER = 64,
	OBJECT_NAME = 64,
	OBJECT_MAX = 256 << 20, /* header and body; what claims more is damaged or hostile */
};

struct object_id {
	uint8_t b[16];
};

struct object_header {
	enum object_kind kind;
	struct object_id repo, id;
	uint64_t length; /* of header and body */
};

void object_put_header(uint8_t at[OBJECT_HEADER], const struct object_header *header);

/*
 * Reads and checks a header. -EBADMSG: damaged; -ENOTSUP: written by a newer ebb; the text says
 * what to do. Whether it is the object that was asked for is the caller's to compare: object_is().
 */
int object_get_header(
	const uint8_t *at, size_t len, struct object_header *ret_header, struct why *why);

/* 0 when the header is that of this object of this repository, -EBADMSG when it is another's. */
int object_is(const struct object_header *header, enum object_kind kind,
	const struct object_id *repo, const struct object_id *id, struct why *why);

bool object_id_equal(const struct object_id *a, const struct object_id *b);

/* "data/3f/3f00...", "head/GENERATION". Returns `name`. */
const char *object_name(enum object_kind kind, const struct object_id *id, char name[OBJECT_NAME]);

/* The reverse. False: not a name of ours, and none of our business. */
bool object_parse_name(const char *name, enum object_kind *ret_kind, struct object_id *ret_id);

/* A head's id is its generation, so that two writers cannot both make the same one. */
struct object_id object_head_id(uint64_t generation);
uint64_t object_head_generation(const struct object_id *id);

/* 32 hex digits. Returns `text`. */
const char *object_show_id(const struct object_id *id, char text[33]);

#endif
