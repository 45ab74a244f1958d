/* SPDX-License-Identifier: Apache-2.0 */
/* The point's bytes. */
#include "repo/point.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "repo/fields.h"

enum { VERSION = 1, FLAG_PARTIAL = 1 };

int point_put(const struct point *point, uint8_t **ret_body, size_t *ret_len)
{
	OWN(out_done) struct fields_out out = {0};
	out_u32(&out, VERSION);
	out_u8(&out, (uint8_t)point->source);
	out_u8(&out, (uint8_t)point->kind);
	out_u16(&out, point->partial ? FLAG_PARTIAL : 0);
	out_u64(&out, (uint64_t)point->start_ns);
	out_u64(&out, (uint64_t)point->end_ns);
	out_bytes(&out, point->parent.b, sizeof(point->parent.b));
	out_bytes(&out, point->root.b, sizeof(point->root.b));
	out_u64(&out, point->entries);
	out_u64(&out, point->source_bytes);
	out_u64(&out, point->read_bytes);
	out_u64(&out, point->new_bytes);
	out_u64(&out, point->written_bytes);
	out_u64(&out, point->unreadable);
	out_u64(&out, point->changed);
	out_text(&out, point->resource);
	out_text(&out, point->host);
	out_text(&out, point->path);
	out_text(&out, point->writer);
	if (out.failed)
		return -ENOMEM;
	*ret_len = out.len;
	*ret_body = TAKE(out.at);
	return 0;
}

int point_get(const uint8_t *body, size_t len, struct point *ret_point, struct why *why)
{
	struct fields_in in = {.at = body, .end = body + len};
	struct point point = {0};
	uint32_t version = in_u32(&in);
	if (!in.bad && version != VERSION)
		return why_set(
			why, -ENOTSUP, "written by a newer ebb (point %u): use that one", version);
	point.source = (enum point_source)in_u8(&in);
	point.kind = (enum point_kind)in_u8(&in);
	point.partial = in_u16(&in) & FLAG_PARTIAL;
	point.start_ns = (int64_t)in_u64(&in);
	point.end_ns = (int64_t)in_u64(&in);
	in_bytes(&in, point.parent.b, sizeof(point.parent.b));
	in_bytes(&in, point.root.b, sizeof(point.root.b));
	point.entries = in_u64(&in);
	point.source_bytes = in_u64(&in);
	point.read_bytes = in_u64(&in);
	point.new_bytes = in_u64(&in);
	point.written_bytes = in_u64(&in);
	point.unreadable = in_u64(&in);
	point.changed = in_u64(&in);
	in_text(&in, point.resource, sizeof(point.resource));
	in_text(&in, point.host, sizeof(point.host));
	in_text(&in, point.path, sizeof(point.path));
	in_text(&in, point.writer, sizeof(point.writer));
	if (!in_done(&in) || point.source < POINT_DIR || point.source > POINT_WAL ||
		point.kind < POINT_FULL || point.kind > POINT_DIFFERENTIAL)
		return why_set(why, -EBADMSG, "the point is damaged");
	*ret_point = point;
	return 0;
}
