/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and their answers. Numbers are those of proto.md, "Request message" and below. */
#include <string.h>

#include "base/must.h"
#include "nbd/inner.h"

#define REQUEST_MAGIC UINT32_C(0x25609513)
#define SIMPLE_MAGIC UINT32_C(0x67446698)
#define CHUNK_MAGIC UINT32_C(0x668e33ef)

enum command { READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS };

enum { FUA = 1, NO_HOLE = 2, DF = 4, REQ_ONE = 8, FAST_ZERO = 16 };

enum { CHUNK_DONE = 1 };
enum chunk { NONE = 0, OFFSET_DATA = 1, OFFSET_HOLE = 2, STATUS = 5, ERROR = 32769 };

enum { EPERM_ = 1, EINVAL_ = 22, CONTEXT_ID = 1, CHUNK_HEADER = 20, EXTENT = 8 };

static void simple(struct nbd *nbd, uint64_t cookie, uint32_t error)
{
	nbd_out32(&nbd->out, SIMPLE_MAGIC);
	nbd_out32(&nbd->out, error);
	nbd_out64(&nbd->out, cookie);
}

static void chunk(struct nbd *nbd, enum chunk type, unsigned flags, uint32_t len)
{
	nbd_out32(&nbd->out, CHUNK_MAGIC);
	nbd_out16(&nbd->out, (uint16_t)flags);
	nbd_out16(&nbd->out, (uint16_t)type);
	nbd_out64(&nbd->out, nbd->cookie);
	nbd_out32(&nbd->out, len);
}

/* ---- requests ---- */

/* Read and block status are answered in chunks once those were agreed on, errors too. */
static void refuse(struct nbd *nbd, uint16_t type, uint32_t error)
{
	if (!nbd->structured || (type != READ && type != BLOCK_STATUS)) {
		simple(nbd, nbd->cookie, error);
		return;
	}
	chunk(nbd, ERROR, CHUNK_DONE, 6);
	nbd_out32(&nbd->out, error);
	nbd_out16(&nbd->out, 0);
}

static unsigned flags_for(const struct nbd *nbd, uint16_t type)
{
	switch (type) {
	case READ:
		return FUA | (nbd->structured ? DF : 0);
	case WRITE_ZEROES:
		return FUA | NO_HOLE | FAST_ZERO;
	case BLOCK_STATUS:
		return FUA | REQ_ONE;
	default:
		return FUA;
	}
}

static bool within(const struct nbd *nbd, uint64_t offset, uint32_t length)
{
	return offset <= nbd->export->size && length <= nbd->export->size - offset;
}

/* 0, or the error that the request deserves before anybody looks at it. */
static uint32_t judge(const struct nbd *nbd, uint16_t type, uint16_t flags, uint32_t length)
{
	if (flags & ~flags_for(nbd, type) || type > BLOCK_STATUS)
		return EINVAL_;
	if (type == WRITE || type == TRIM || type == WRITE_ZEROES)
		return EPERM_;
	if (type == FLUSH)
		return 0;
	if (!within(nbd, nbd->offset, length))
		return EINVAL_;
	if (type == READ && length > NBD_PAYLOAD_MAX)
		return EINVAL_;
	if (type == BLOCK_STATUS && (!length || nbd->context != nbd->export))
		return EINVAL_;
	return 0;
}

bool nbd_command(struct nbd *nbd, const uint8_t *at, struct nbd_request *ret_request)
{
	uint16_t flags = be16(at + 4), type = be16(at + 6);
	uint32_t length = be32(at + 24);
	nbd->cookie = be64(at + 8);
	nbd->offset = be64(at + 16);
	/* What begins otherwise is not where a request begins; nor is it sane to drop so much. */
	if (be32(at) != REQUEST_MAGIC || type == DISC ||
		(type == WRITE && length > NBD_PAYLOAD_MAX)) {
		nbd->state = NBD_ENDED;
		return false;
	}
	if (type == WRITE)
		nbd->skip = length;
	uint32_t error = judge(nbd, type, flags, length);
	if (error || type == FLUSH) {
		refuse(nbd, type, error);
		return false;
	}
	nbd->asked = true;
	nbd->type = type == READ ? NBD_READ : type == CACHE ? NBD_CACHE : NBD_STATUS;
	nbd->end = nbd->offset + length;
	nbd->done_to = nbd->offset;
	nbd->whole = !nbd->structured || flags & DF;
	nbd->answer_at = nbd->out.len;
	*ret_request = (struct nbd_request){.type = nbd->type,
		.export = nbd->export,
		.offset = nbd->offset,
		.length = length,
		.one = flags & REQ_ONE};
	return true;
}

/* ---- answers ---- */

/* What stands before all data of an answer that comes in one piece. */
static void begin_whole(struct nbd *nbd)
{
	uint32_t len = (uint32_t)(nbd->end - nbd->offset);
	if (nbd->out.len != nbd->answer_at)
		return;
	if (!nbd->structured) {
		simple(nbd, nbd->cookie, 0);
		return;
	}
	chunk(nbd, OFFSET_DATA, CHUNK_DONE, 8 + len);
	nbd_out64(&nbd->out, nbd->offset);
}

static void count(struct nbd *nbd, enum nbd_type type, uint32_t len)
{
	must(nbd->asked && nbd->type == type && len && len <= nbd->end - nbd->done_to);
	nbd->done_to += len;
}

uint8_t *nbd_data(struct nbd *nbd, uint32_t len)
{
	uint64_t at = nbd->done_to;
	count(nbd, NBD_READ, len);
	if (nbd->whole) {
		begin_whole(nbd);
	} else {
		chunk(nbd, OFFSET_DATA, 0, 8 + len);
		nbd_out64(&nbd->out, at);
	}
	return nbd_out_room(&nbd->out, len);
}

void nbd_hole(struct nbd *nbd, uint32_t len)
{
	uint64_t at = nbd->done_to;
	if (nbd->whole) {
		uint8_t *zeros = nbd_data(nbd, len);
		if (zeros)
			memset(zeros, 0, len);
		return;
	}
	count(nbd, NBD_READ, len);
	chunk(nbd, OFFSET_HOLE, 0, 12);
	nbd_out64(&nbd->out, at);
	nbd_out32(&nbd->out, len);
}

/* The length of the chunk is told when all extents are known. */
void nbd_extent(struct nbd *nbd, uint32_t len, unsigned flags)
{
	count(nbd, NBD_STATUS, len);
	if (nbd->out.len == nbd->answer_at) {
		chunk(nbd, STATUS, CHUNK_DONE, 4);
		nbd_out32(&nbd->out, CONTEXT_ID);
	}
	nbd_out32(&nbd->out, len);
	nbd_out32(&nbd->out, flags);
}

static void end_status(struct nbd *nbd)
{
	size_t len = nbd->out.len - nbd->answer_at - CHUNK_HEADER, end = nbd->out.len;
	must(len >= 4 + EXTENT);
	/* Written over the length that stands in the header. */
	nbd->out.len = nbd->answer_at + CHUNK_HEADER - 4;
	nbd_out32(&nbd->out, (uint32_t)len);
	nbd->out.len = end;
}

void nbd_done(struct nbd *nbd)
{
	must(nbd->asked);
	nbd->asked = false;
	if (nbd->out.failed)
		return;
	if (nbd->type == NBD_STATUS) {
		end_status(nbd);
		return;
	}
	must(nbd->type == NBD_CACHE || nbd->done_to == nbd->end);
	if (nbd->type == NBD_CACHE)
		simple(nbd, nbd->cookie, 0);
	else if (!nbd->whole)
		chunk(nbd, NONE, CHUNK_DONE, 0);
	else
		begin_whole(nbd); /* of nothing */
}

void nbd_fail(struct nbd *nbd, enum nbd_error error)
{
	must(nbd->asked);
	nbd->asked = false;
	nbd->out.len = nbd->answer_at;
	refuse(nbd,
		nbd->type == NBD_READ             ? READ
			: nbd->type == NBD_STATUS ? BLOCK_STATUS
						  : CACHE,
		error);
}
