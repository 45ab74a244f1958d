/* SPDX-License-Identifier: Apache-2.0 */
/* Answers. proto.md, "Simple reply message" and below; "Reply types" has the chunks. */
#include <errno.h>

#include "base/must.h"
#include "nbd/inner.h"

#define SIMPLE_MAGIC UINT32_C(0x67446698)
#define CHUNK_MAGIC UINT32_C(0x668e33ef)
#define EXTENDED_MAGIC UINT32_C(0x6e8a278c)

/* A compact extent has 32 bits for its length; this is the most that any block size divides. */
#define EXTENT_MAX UINT64_C(0xffff0000)

enum { CHUNK_DONE = 1 };
enum chunk {
	NONE = 0,
	OFFSET_DATA = 1,
	OFFSET_HOLE = 2,
	STATUS = 5,
	STATUS_EXT = 6,
	ERROR = 32769
};

static uint8_t *put_simple(uint8_t *at, const struct slot *slot, uint32_t error)
{
	at = put32(at, SIMPLE_MAGIC);
	at = put32(at, error);
	return put64(at, slot->cookie);
}

/* The head of a chunk with `len` bytes behind it. */
static uint8_t *put_chunk(const struct nbd *nbd, uint8_t *at, const struct slot *slot,
	uint32_t type_and_flags, uint64_t len)
{
	at = put32(at, nbd->extended ? EXTENDED_MAGIC : CHUNK_MAGIC);
	at = put32(at, type_and_flags);
	at = put64(at, slot->cookie);
	if (!nbd->extended)
		return put32(at, (uint32_t)len);
	at = put64(at, slot->request.offset);
	return put64(at, len);
}

static uint32_t chunk_type(enum chunk type, bool done)
{
	return (done ? (uint32_t)CHUNK_DONE << 16 : 0) | (uint32_t)type;
}

static bool in_chunks(const struct nbd *nbd)
{
	return nbd->structured || nbd->extended;
}

/* What stands before all data of an answer in one piece. */
static uint8_t *put_data_head(const struct nbd *nbd, uint8_t *at, const struct slot *slot)
{
	if (!in_chunks(nbd))
		return put_simple(at, slot, 0);
	at = put_chunk(nbd, at, slot, chunk_type(OFFSET_DATA, true), 8 + slot->request.length);
	return put64(at, slot->request.offset);
}

/* The owner's part is over. */
static void leave(struct nbd *nbd, struct slot *slot)
{
	must(slot->state == OUT && nbd->in_flight && nbd->filling != slot);
	must(!nbd->room_of || nbd->room_of == slot);
	nbd->room_of = NULL;
	nbd->in_flight--;
}

/* The answer is `head`, all of it. It waits in its slot when our own bytes are full. */
static void send_head(struct nbd *nbd, struct slot *slot, const uint8_t *head, size_t len)
{
	if (nbd->gone) {
		slot_free(nbd, slot);
	} else if (len <= out_free(&nbd->out)) {
		memcpy(out_room(&nbd->out, len), head, len);
		slot_free(nbd, slot);
	} else {
		memcpy(slot->head, head, len);
		out_lend(&nbd->out, slot->head, len);
		out_mark(&nbd->out, slot->request.slot);
		slot->state = SENDING;
	}
}

/* ---- without data ---- */

void answer_plain(struct nbd *nbd, struct slot *slot)
{
	uint8_t head[HEAD_MAX], *end;
	bool chunk = nbd->extended || (in_chunks(nbd) && slot->type == READ);
	if (chunk)
		end = put_chunk(nbd, head, slot, chunk_type(NONE, true), 0);
	else
		end = put_simple(head, slot, 0);
	send_head(nbd, slot, head, (size_t)(end - head));
}

/* Read and block status are answered in chunks once those were agreed on, errors too. */
void answer_error(struct nbd *nbd, struct slot *slot, uint32_t error)
{
	uint8_t head[HEAD_MAX], *end;
	bool chunk = nbd->extended ||
		(in_chunks(nbd) && (slot->type == READ || slot->type == BLOCK_STATUS));
	if (chunk) {
		end = put_chunk(nbd, head, slot, chunk_type(ERROR, true), 6);
		end = put32(end, error);
		end = put16(end, 0);
	} else {
		end = put_simple(head, slot, error);
	}
	send_head(nbd, slot, head, (size_t)(end - head));
}

/* Which of the protocol's numbers says that errno. */
static uint32_t error_of(int err)
{
	switch (-err) {
	case EPERM:
	case EACCES:
	case EROFS:
		return EPERM_;
	case ENOMEM:
		return ENOMEM_;
	case EINVAL:
		return EINVAL_;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ENOSPC_;
	case EOVERFLOW:
		return EOVERFLOW_;
	case EOPNOTSUPP:
		return ENOTSUP_;
	case ESHUTDOWN:
		return ESHUTDOWN_;
	default:
		return EIO_;
	}
}

void nbd_fail(struct nbd *nbd, struct nbd_request *request, int err)
{
	struct slot *slot = slot_of(request);
	if (nbd->room_of)
		out_undo(&nbd->out, nbd->out.len - nbd->room_at);
	leave(nbd, slot);
	answer_error(nbd, slot, error_of(err));
}

/* ---- reads ---- */

uint8_t *nbd_read_room(struct nbd *nbd, struct nbd_request *request)
{
	struct slot *slot = slot_of(request);
	must(slot->state == OUT && slot->type == READ && !nbd->room_of);
	if (nbd->gone || HEAD_MAX + request->length > out_free(&nbd->out))
		return NULL;
	uint8_t head[HEAD_MAX], *end = put_data_head(nbd, head, slot);
	size_t len = (size_t)(end - head);
	nbd->room_of = slot;
	nbd->room_at = nbd->out.len;
	uint8_t *at = out_room(&nbd->out, len + (size_t)request->length);
	memcpy(at, head, len);
	return at + len;
}

void nbd_room_back(struct nbd *nbd, struct nbd_request *request)
{
	must(nbd->room_of == slot_of(request));
	out_undo(&nbd->out, nbd->out.len - nbd->room_at);
	nbd->room_of = NULL;
}

static bool copy_parts(
	struct nbd *nbd, struct slot *slot, const struct nbd_part *parts, unsigned count)
{
	uint8_t *at = nbd_read_room(nbd, &slot->request);
	if (!at)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (parts[i].bytes)
			memcpy(at, parts[i].bytes, (size_t)parts[i].len);
		else
			memset(at, 0, (size_t)parts[i].len);
		at += parts[i].len;
	}
	leave(nbd, slot);
	slot_free(nbd, slot);
	return true;
}

/* All data behind one head; holes are sent as zeros. */
static void lend_whole(
	struct nbd *nbd, struct slot *slot, const struct nbd_part *parts, unsigned count)
{
	const uint8_t *end = put_data_head(nbd, slot->head, slot);
	out_lend(&nbd->out, slot->head, (size_t)(end - slot->head));
	for (unsigned i = 0; i < count; i++)
		out_lend(&nbd->out, parts[i].bytes, (size_t)parts[i].len);
	out_mark(&nbd->out, slot->request.slot);
}

/* Data and holes one after the other; the heads lie in our own bytes, which have room for them. */
static void lend_chunks(
	struct nbd *nbd, struct slot *slot, const struct nbd_part *parts, unsigned count)
{
	uint64_t offset = slot->request.offset;
	unsigned data = count;
	while (!parts[data - 1].bytes)
		data--;
	for (unsigned i = 0; i < count; i++) {
		uint8_t head[HEAD_MAX], *end;
		const struct nbd_part *part = &parts[i];
		uint64_t len = part->bytes ? 8 + part->len : 12;
		end = put_chunk(nbd, head, slot,
			chunk_type(part->bytes ? OFFSET_DATA : OFFSET_HOLE, i + 1 == count), len);
		end = put64(end, offset);
		if (!part->bytes)
			end = put32(end, (uint32_t)part->len);
		memcpy(out_room(&nbd->out, (size_t)(end - head)), head, (size_t)(end - head));
		if (part->bytes)
			out_lend(&nbd->out, part->bytes, (size_t)part->len);
		/* Behind its last data the slot is needed no more. */
		if (i + 1 == data)
			out_mark(&nbd->out, slot->request.slot);
		offset += part->len;
	}
}

static void send_hole(struct nbd *nbd, struct slot *slot)
{
	uint8_t head[HEAD_MAX], *end;
	end = put_chunk(nbd, head, slot, chunk_type(OFFSET_HOLE, true), 12);
	end = put64(end, slot->request.offset);
	end = put32(end, (uint32_t)slot->request.length);
	leave(nbd, slot);
	send_head(nbd, slot, head, (size_t)(end - head));
}

/* Of the parts `holes` are holes. As nbd_read() answers. */
static bool answer_read(struct nbd *nbd, struct slot *slot, const struct nbd_part *parts,
	unsigned count, unsigned holes)
{
	if (holes == count && !slot->whole) {
		send_hole(nbd, slot);
		return false;
	}
	if (slot->request.length <= COPY_MAX && copy_parts(nbd, slot, parts, count))
		return false;
	leave(nbd, slot);
	if (nbd->gone) {
		slot_free(nbd, slot);
		return false;
	}
	slot->state = holes == count ? SENDING : KEPT;
	if (holes && !slot->whole && out_free(&nbd->out) >= count * HEAD_MAX)
		lend_chunks(nbd, slot, parts, count);
	else
		lend_whole(nbd, slot, parts, count);
	return slot->state == KEPT;
}

bool nbd_read(
	struct nbd *nbd, struct nbd_request *request, const struct nbd_part *parts, unsigned count)
{
	struct slot *slot = slot_of(request);
	uint64_t sum = 0;
	unsigned holes = 0;
	must(slot->type == READ && count && count <= NBD_PARTS);
	for (unsigned i = 0; i < count; i++) {
		must(parts[i].len && parts[i].len <= request->length - sum);
		sum += parts[i].len;
		holes += !parts[i].bytes;
	}
	must(sum == request->length);
	return answer_read(nbd, slot, parts, count, holes);
}

/* ---- block status ---- */

/* The chunk in hand is whole now: its head learns how long it is. */
static void end_chunk(struct nbd *nbd, struct slot *slot)
{
	struct status *status = &nbd->status;
	size_t head = nbd->extended ? 32 : 20, len = status->len - status->chunk - head;
	uint8_t *at = status->bytes + status->chunk;
	must(status->extents);
	put_chunk(nbd, at, slot, chunk_type(nbd->extended ? STATUS_EXT : STATUS, status->left == 0),
		len);
	if (nbd->extended)
		put32(at + head + 4, status->extents);
}

void nbd_context(struct nbd *nbd, struct nbd_request *request, unsigned context)
{
	struct slot *slot = slot_of(request);
	struct status *status = &nbd->status;
	must(slot->state == OUT && slot->type == BLOCK_STATUS && context < NBD_CONTEXTS);
	must(request->contexts >> context & 1);
	if (status->len)
		end_chunk(nbd, slot);
	else
		status->left = (unsigned)__builtin_popcountll(request->contexts);
	size_t room = (STATUS_ROOM - status->len) / status->left;
	status->left--;
	status->chunk = status->len;
	status->room = status->len + room;
	status->extents = 0;
	status->at = request->offset;
	status->full = false;
	/* Its head is written when it is whole. */
	status->len += nbd->extended ? 32 : 20;
	put32(status->bytes + status->len, context + 1);
	status->len += nbd->extended ? 8 : 4;
}

static void put_extent(struct nbd *nbd, uint64_t len, uint32_t flags)
{
	struct status *status = &nbd->status;
	uint8_t *at = status->bytes + status->len;
	if (nbd->extended)
		put64(put64(at, len), flags);
	else
		put32(put32(at, (uint32_t)len), flags);
	status->len += nbd->extended ? 16 : 8;
}

bool nbd_extent(struct nbd *nbd, struct nbd_request *request, uint64_t len, uint32_t flags)
{
	struct status *status = &nbd->status;
	size_t size = nbd->extended ? 16 : 8;
	uint64_t end = request->offset + request->length,
		 most = nbd->extended ? UINT64_MAX : EXTENT_MAX;
	must(slot_of(request)->state == OUT && len && status->len);
	must(len <= nbd->export->size - status->at);
	if (status->full)
		return false;
	if (request->flags & NBD_ONE && len > end - status->at)
		len = end - status->at;
	bool same = status->extents && status->flags == flags;
	if (same) {
		status->len -= size;
		len += status->last;
		status->at -= status->last;
	} else if (status->extents &&
		(request->flags & NBD_ONE || status->len + size > status->room)) {
		status->full = true;
		return false;
	} else {
		status->extents++;
	}
	if (len > most) {
		len = most;
		status->full = true;
	}
	put_extent(nbd, len, flags);
	status->last = len;
	status->flags = flags;
	status->at += len;
	status->full |= status->at >= end;
	return !status->full;
}

static void send_status(struct nbd *nbd, struct slot *slot)
{
	struct status *status = &nbd->status;
	must(status->len && status->left == 0);
	end_chunk(nbd, slot);
	if (nbd->gone) {
		slot_free(nbd, slot);
		return;
	}
	out_lend(&nbd->out, status->bytes, status->len);
	out_mark(&nbd->out, slot->request.slot);
	slot->state = SENDING;
}

void nbd_done(struct nbd *nbd, struct nbd_request *request)
{
	struct slot *slot = slot_of(request);
	bool in_room = nbd->room_of == slot;
	must(slot->type != READ || in_room);
	leave(nbd, slot);
	if (in_room)
		slot_free(nbd, slot);
	else if (slot->type == BLOCK_STATUS)
		send_status(nbd, slot);
	else
		answer_plain(nbd, slot);
}
