/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in, bytes out, and what is between them.
 *
 *     FLAGS -> OPTION -> COMMAND -> ENDED      each may end at once; OPTION leads to COMMAND by
 *                                              EXPORT_NAME or GO
 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "nbd/inner.h"

#define MAGIC UINT64_C(0x4e42444d41474943)        /* NBDMAGIC */
#define OPTION_MAGIC UINT64_C(0x49484156454f5054) /* IHAVEOPT */

enum {
	OPTION_HEADER = 16,
	REQUEST_HEADER = 28,
	FIXED_NEWSTYLE = 1,
	NO_ZEROES = 2,
	OUT_KEPT = 1 << 20, /* larger buffers are given back when they are empty */
};

/* ---- output ---- */

uint8_t *nbd_out_room(struct nbd_out *out, size_t len)
{
	if (out->failed)
		return NULL;
	if (out->cap - out->len < len) {
		size_t cap = out->cap ? out->cap : 4096;
		while (cap - out->len < len)
			cap *= 2;
		uint8_t *at = realloc(out->at, cap);
		out->failed = !at;
		if (!at)
			return NULL;
		out->at = at;
		out->cap = cap;
	}
	out->len += len;
	return out->at + out->len - len;
}

void nbd_out_bytes(struct nbd_out *out, const void *bytes, size_t len)
{
	uint8_t *at = nbd_out_room(out, len);
	if (at && len)
		memcpy(at, bytes, len);
}

void nbd_out16(struct nbd_out *out, uint16_t value)
{
	uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
	nbd_out_bytes(out, bytes, sizeof(bytes));
}

void nbd_out32(struct nbd_out *out, uint32_t value)
{
	nbd_out16(out, (uint16_t)(value >> 16));
	nbd_out16(out, (uint16_t)value);
}

void nbd_out64(struct nbd_out *out, uint64_t value)
{
	nbd_out32(out, (uint32_t)(value >> 32));
	nbd_out32(out, (uint32_t)value);
}

const uint8_t *nbd_waiting(const struct nbd *nbd, size_t *ret_len)
{
	*ret_len = nbd->out.len - nbd->out.sent;
	return nbd->out.at + nbd->out.sent;
}

void nbd_sent(struct nbd *nbd, size_t len)
{
	struct nbd_out *out = &nbd->out;
	must(len <= out->len - out->sent && !nbd->asked);
	out->sent += len;
	if (out->sent < out->len)
		return;
	out->sent = out->len = 0;
	if (out->cap > OUT_KEPT) {
		free(out->at);
		out->at = NULL;
		out->cap = 0;
	}
}

/* ---- input ---- */

struct nbd *nbd_new(const struct nbd_export *exports, size_t count)
{
	struct nbd *nbd = calloc(1, sizeof(*nbd));
	if (!nbd)
		return NULL;
	nbd->exports = exports;
	nbd->export_count = count;
	nbd_out64(&nbd->out, MAGIC);
	nbd_out64(&nbd->out, OPTION_MAGIC);
	nbd_out16(&nbd->out, FIXED_NEWSTYLE | NO_ZEROES);
	if (nbd->out.failed) {
		nbd_free(nbd);
		return NULL;
	}
	return nbd;
}

void nbd_free(struct nbd *nbd)
{
	if (nbd)
		free(nbd->out.at);
	free(nbd);
}

uint8_t *nbd_room(struct nbd *nbd, size_t *ret_room)
{
	memmove(nbd->in, nbd->in + nbd->in_from, nbd->in_len);
	nbd->in_from = 0;
	*ret_room = NBD_INPUT - nbd->in_len;
	return nbd->in + nbd->in_len;
}

void nbd_came(struct nbd *nbd, size_t len)
{
	must(nbd->in_from == 0 && len <= NBD_INPUT - nbd->in_len);
	nbd->in_len += len;
}

static void take(struct nbd *nbd, size_t len)
{
	nbd->in_from += len;
	nbd->in_len -= len;
}

/* False: more of what nobody wants is to come. */
static bool skip(struct nbd *nbd)
{
	size_t n = nbd->skip < nbd->in_len ? (size_t)nbd->skip : nbd->in_len;
	take(nbd, n);
	nbd->skip -= n;
	if (nbd->skip)
		return false;
	if (nbd->skipped_option)
		nbd_option_too_big(nbd, (uint32_t)(nbd->skipped_option - 1));
	nbd->skipped_option = 0;
	return true;
}

/* Each of these takes one thing from the input; false: it is not there whole yet. */

static bool step_flags(struct nbd *nbd)
{
	if (nbd->in_len < 4)
		return false;
	uint32_t flags = be32(nbd->in + nbd->in_from);
	take(nbd, 4);
	nbd->no_zeroes = flags & NO_ZEROES;
	/* A client that knows no fixed newstyle may still ask for EXPORT_NAME. */
	nbd->state = flags & ~(uint32_t)(FIXED_NEWSTYLE | NO_ZEROES) ? NBD_ENDED : NBD_OPTION;
	return true;
}

static bool step_option(struct nbd *nbd)
{
	const uint8_t *at = nbd->in + nbd->in_from;
	if (nbd->in_len < OPTION_HEADER)
		return false;
	uint32_t option = be32(at + 8), len = be32(at + 12);
	if (be64(at) != OPTION_MAGIC) {
		nbd->state = NBD_ENDED;
		return true;
	}
	if (len > NBD_OPTION_MAX) {
		take(nbd, OPTION_HEADER);
		nbd->skip = len;
		nbd->skipped_option = (uint64_t)option + 1;
		return true;
	}
	if (nbd->in_len < OPTION_HEADER + (size_t)len)
		return false;
	nbd_option(nbd, option, at + OPTION_HEADER, len);
	take(nbd, OPTION_HEADER + (size_t)len);
	return true;
}

enum nbd_event nbd_next(struct nbd *nbd, struct nbd_request *ret_request)
{
	bool more = true;
	must(!nbd->asked);
	while (more) {
		if (nbd->out.failed || nbd->state == NBD_ENDED)
			return NBD_HANG_UP;
		if (nbd->skip || nbd->skipped_option) {
			more = skip(nbd);
			continue;
		}
		/* Whoever asks without ever taking an answer waits. */
		if (nbd->out.len - nbd->out.sent > NBD_PAYLOAD_MAX)
			return NBD_WANT_INPUT;
		if (nbd->state == NBD_FLAGS) {
			more = step_flags(nbd);
		} else if (nbd->state == NBD_OPTION) {
			more = step_option(nbd);
		} else if (nbd->in_len < REQUEST_HEADER) {
			more = false;
		} else {
			const uint8_t *at = nbd->in + nbd->in_from;
			take(nbd, REQUEST_HEADER);
			if (nbd_command(nbd, at, ret_request))
				return NBD_REQUEST;
		}
	}
	return NBD_WANT_INPUT;
}
