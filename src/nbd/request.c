/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: which are handed out, and what the others are told. proto.md, "Request message". */
#include "base/must.h"
#include "nbd/inner.h"

#define REQUEST_MAGIC UINT32_C(0x25609513)
#define EXTENDED_MAGIC UINT32_C(0x21e41c71)

enum { DF = 4, PAYLOAD_LEN = 32 };
enum { FILTER_MAX = 8 + 4 * NBD_CONTEXTS };

/* Compact requests are 28 bytes and have a length of 32 bits; extended ones 32 and 64. */
enum { HEAD = 28, EXTENDED_HEAD = 32 };

/* Drops the payload first, if any. */
static void skip_and_fail(struct nbd *nbd, struct slot *slot, uint64_t len, uint32_t error)
{
	nbd->skipping = true;
	nbd->skipped_option = false;
	nbd->skip = len;
	nbd->skipped = slot->request.slot;
	nbd->skip_error = error;
}

static unsigned flags_for(const struct nbd *nbd, uint16_t type)
{
	switch (type) {
	case READ:
		return NBD_FUA | (nbd->structured || nbd->extended ? DF : 0);
	case WRITE:
		return NBD_FUA | (nbd->extended ? PAYLOAD_LEN : 0);
	case WRITE_ZEROES:
		return NBD_FUA | NBD_NO_HOLE | (nbd->export->fast_zero ? NBD_FAST_ZERO : 0);
	case BLOCK_STATUS:
		return NBD_FUA | NBD_ONE | (nbd->extended ? PAYLOAD_LEN : 0);
	default:
		return NBD_FUA;
	}
}

static bool within(const struct nbd *nbd, const struct nbd_request *request)
{
	uint64_t size = nbd->export->size;
	return request->offset <= size && request->length <= size - request->offset;
}

/* 0, or the error that the request deserves before anybody looks at it. */
static uint32_t judge(const struct nbd *nbd, const struct slot *slot, unsigned flags)
{
	const struct nbd_request *request = &slot->request;
	bool writes = slot->type == WRITE || slot->type == WRITE_ZEROES;
	if (nbd->shut)
		return ESHUTDOWN_;
	if (slot->type > BLOCK_STATUS || flags & ~flags_for(nbd, slot->type))
		return EINVAL_;
	if (slot->type == WRITE && nbd->extended && !(flags & PAYLOAD_LEN))
		return EINVAL_;
	if ((writes || slot->type == TRIM) && nbd->export->read_only)
		return EPERM_;
	if (slot->type == FLUSH)
		return 0;
	if (!within(nbd, request))
		return writes ? ENOSPC_ : EINVAL_;
	if (slot->type == READ && request->length > NBD_PAYLOAD_MAX)
		return EOVERFLOW_;
	if (slot->type == BLOCK_STATUS && (!request->length || !request->contexts))
		return EINVAL_;
	return 0;
}

/* The payload of BLOCK_STATUS: a length, and ids of contexts out of those that were chosen. */
static bool read_filter(struct nbd *nbd, struct slot *slot, const uint8_t *at, size_t len)
{
	struct nbd_request *request = &slot->request;
	if (len < 12 || len % 4)
		return false;
	request->length = be64(at);
	request->contexts = 0;
	for (size_t i = 8; i < len; i += 4) {
		uint32_t id = be32(at + i);
		uint64_t bit = id && id <= NBD_CONTEXTS ? UINT64_C(1) << (id - 1) : 0;
		if (!(bit & nbd->contexts) || bit & request->contexts)
			return false;
		request->contexts |= bit;
	}
	return true;
}

static struct slot *slot_take(struct nbd *nbd, const uint8_t *at)
{
	uint16_t number = nbd->free[--nbd->free_count];
	struct slot *slot = &nbd->slots[number];
	uint16_t flags = be16(at + 4);
	slot->cookie = be64(at + 8);
	slot->type = be16(at + 6);
	slot->state = OUT;
	slot->whole = (!nbd->structured && !nbd->extended) || flags & DF;
	slot->request.type = (enum nbd_type)slot->type;
	slot->request.slot = number;
	slot->request.offset = be64(at + 16);
	slot->request.length = nbd->extended ? be64(at + 24) : be32(at + 24);
	slot->request.data = NULL;
	slot->request.contexts = nbd->contexts;
	/* FUA says nothing where nothing is written. */
	bool writes = slot->type == WRITE || slot->type == TRIM || slot->type == WRITE_ZEROES;
	slot->request.flags = flags &
		(NBD_NO_HOLE | NBD_ONE | NBD_FAST_ZERO | (writes ? NBD_FUA : 0));
	return slot;
}

/* A good request, its head taken from the input. */
static int hand_out(struct nbd *nbd, struct slot *slot, struct nbd_request **ret_request)
{
	struct nbd_request *request = &slot->request;
	if (slot->type == FLUSH)
		request->offset = request->length = 0;
	else if (!request->length) {
		answer_plain(nbd, slot);
		return GO_ON;
	}
	nbd->in_flight++;
	if (slot->type == BLOCK_STATUS) {
		nbd->status.busy = true;
		nbd->status.len = 0;
	}
	*ret_request = request;
	if (slot->type != WRITE)
		return NBD_REQUEST;
	if (nbd->in_len >= request->length) {
		request->data = nbd->in + nbd->in_from;
		in_take(nbd, (size_t)request->length);
		return NBD_REQUEST;
	}
	nbd->filling = slot;
	nbd->filled = 0;
	nbd->state = AT_PAYLOAD;
	return NBD_WANT_BUFFER;
}

int command_take(struct nbd *nbd, struct nbd_request **ret_request)
{
	size_t head = nbd->extended ? EXTENDED_HEAD : HEAD;
	const uint8_t *at = nbd->in + nbd->in_from;
	if (nbd->in_len < head)
		return NBD_WANT_INPUT;
	uint16_t flags = be16(at + 4), type = be16(at + 6);
	uint64_t len = nbd->extended ? be64(at + 24) : be32(at + 24), payload = 0;
	if (nbd->extended ? (flags & PAYLOAD_LEN) != 0 : type == WRITE)
		payload = len;
	bool magic = be32(at) == (nbd->extended ? EXTENDED_MAGIC : REQUEST_MAGIC);
	/* What begins otherwise is not where a request begins; nor is it sane to take so much. */
	if (!magic || type == DISC || payload > NBD_PAYLOAD_MAX) {
		end(nbd,
			!magic                 ? "what it sent is no request"
				: type != DISC ? "it wanted to write more than 64 MiB at once"
					       : NULL);
		return GO_ON;
	}
	if (!nbd->free_count || (type == BLOCK_STATUS && nbd->status.busy))
		return NBD_BUSY;
	bool filter = type == BLOCK_STATUS && flags & PAYLOAD_LEN && nbd->extended;
	if (filter && payload <= FILTER_MAX && nbd->in_len < head + payload)
		return NBD_WANT_INPUT;
	struct slot *slot = slot_take(nbd, at);
	in_take(nbd, head);
	uint32_t error = 0;
	if (filter && (payload > FILTER_MAX || !read_filter(nbd, slot, at + head, (size_t)payload)))
		error = EINVAL_;
	if (!error)
		error = judge(nbd, slot, flags);
	if (error) {
		skip_and_fail(nbd, slot, payload, error);
		return GO_ON;
	}
	if (filter)
		in_take(nbd, (size_t)payload);
	return hand_out(nbd, slot, ret_request);
}
