/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recovery point: what was saved, when, from where, and the root of its tree or map.
 * FORMATS-REPOSITORY.md, "Point".
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_REPO_POINT_H
#define EBB_REPO_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/digest.h"
#include "chunk/object.h"

struct why;

/* All but images are trees of files. */
enum point_source { POINT_DIR = 1, POINT_IMAGE, POINT_STREAM, POINT_POSTGRES, POINT_WAL };
enum point_kind { POINT_FULL = 1, POINT_INCREMENTAL, POINT_DIFFERENTIAL };

enum { POINT_TEXT = 1024 };

struct point {
	struct object_id id; /* of the object; not in the body */
	enum point_source source;
	enum point_kind kind;
	bool partial; /* some of the source could not be read */
	int64_t start_ns, end_ns;
	struct object_id parent; /* zeros: none */
	struct digest root;
	uint64_t entries, source_bytes, read_bytes, new_bytes, written_bytes, unreadable;
	uint64_t changed; /* entries that changed while they were read */
	char resource[POINT_TEXT], host[POINT_TEXT], path[POINT_TEXT], writer[POINT_TEXT];
};

/* Gives the body. 0 or -ENOMEM. */
int point_put(const struct point *point, uint8_t **ret_body, size_t *ret_len);

/* -EBADMSG, -ENOTSUP. */
int point_get(const uint8_t *body, size_t len, struct point *ret_point, struct why *why);

#endif
