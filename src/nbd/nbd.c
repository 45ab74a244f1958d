/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection: bytes in, and what they lead to.
 *
 *     FLAGS -> OPTION <-> LIST, TLS     any may lead to END
 *              OPTION -> COMMAND <-> PAYLOAD
 */
#include <stdlib.h>

#include "base/must.h"
#include "nbd/inner.h"

#define MAGIC UINT64_C(0x4e42444d41474943)        /* NBDMAGIC */
#define OPTION_MAGIC UINT64_C(0x49484156454f5054) /* IHAVEOPT */

enum { OPTION_HEAD = 16, FIXED_NEWSTYLE = 1, NO_ZEROES = 2 };

/* The buffers at the end are left as they come, so that what is not used is not touched. */
void nbd_init(struct nbd *nbd, struct nbd_exports *exports)
{
	memset(nbd, 0, offsetof(struct nbd, slots));
	memset(&nbd->out, 0, offsetof(struct output, segments));
	memset(&nbd->status, 0, offsetof(struct status, bytes));
	nbd->exports = exports;
	nbd->free_count = NBD_IN_FLIGHT;
	for (unsigned i = 0; i < NBD_IN_FLIGHT; i++) {
		nbd->free[i] = (uint16_t)(NBD_IN_FLIGHT - 1 - i);
		nbd->slots[i].state = FREE;
	}
	uint8_t *at = out_room(&nbd->out, 18);
	at = put64(at, MAGIC);
	at = put64(at, OPTION_MAGIC);
	put16(at, FIXED_NEWSTYLE | NO_ZEROES);
}

struct nbd *nbd_new(struct nbd_exports *exports)
{
	struct nbd *nbd = malloc(sizeof(*nbd));
	if (nbd)
		nbd_init(nbd, exports);
	return nbd;
}

static void put_export(struct nbd *nbd, const struct nbd_export *export)
{
	if (export)
		nbd->exports->ops->put(nbd->exports, export);
}

void nbd_done_with(struct nbd *nbd)
{
	wire_close(nbd);
	put_export(nbd, nbd->export);
	put_export(nbd, nbd->context_of);
}

void nbd_free(struct nbd *nbd)
{
	if (nbd)
		nbd_done_with(nbd);
	free(nbd);
}

const struct nbd_export *nbd_in_use(const struct nbd *nbd)
{
	return nbd->export;
}

const char *nbd_ended(const struct nbd *nbd)
{
	return nbd->ended;
}

unsigned nbd_in_flight(const struct nbd *nbd)
{
	return nbd->in_flight;
}

void nbd_shut(struct nbd *nbd)
{
	nbd->shut = true;
}

void nbd_gone(struct nbd *nbd)
{
	struct slot *filling = nbd->filling;
	must(!nbd->room_of);
	nbd->gone = true;
	end(nbd, nbd->ended);
	nbd->filling = NULL;
	nbd->skipping = false;
	wire_close(nbd);
	out_drop(nbd);
	if (!filling)
		return;
	nbd->in_flight--;
	if (filling->request.data)
		nbd->released[nbd->released_count++] = filling->request.slot;
	else
		slot_free(nbd, filling);
}

/* ---- slots ---- */

void slot_free(struct nbd *nbd, struct slot *slot)
{
	must(slot->state != FREE);
	if (slot->type == BLOCK_STATUS)
		nbd->status.busy = false;
	slot->state = FREE;
	nbd->free[nbd->free_count++] = slot->request.slot;
}

struct nbd_request *nbd_released(struct nbd *nbd)
{
	if (!nbd->released_count)
		return NULL;
	struct slot *slot = &nbd->slots[nbd->released[--nbd->released_count]];
	slot_free(nbd, slot);
	return &slot->request;
}

/* ---- input ---- */

unsigned in_room(struct nbd *nbd, struct iovec ret_room[NBD_ROOM])
{
	const struct slot *slot = nbd->filling;
	if (slot && slot->request.data && nbd->filled < slot->request.length) {
		nbd->in_from = 0;
		ret_room[0] = (struct iovec){
			slot->request.data + nbd->filled, slot->request.length - nbd->filled};
		ret_room[1] = (struct iovec){nbd->in, AHEAD};
		return 2;
	}
	memmove(nbd->in, nbd->in + nbd->in_from, nbd->in_len);
	nbd->in_from = 0;
	ret_room[0] = (struct iovec){nbd->in + nbd->in_len, INPUT - nbd->in_len};
	return nbd->in_len < INPUT;
}

void in_came(struct nbd *nbd, size_t len)
{
	const struct slot *slot = nbd->filling;
	must(nbd->in_from == 0);
	if (slot && slot->request.data) {
		uint64_t left = slot->request.length - nbd->filled;
		uint64_t n = len < left ? len : left;
		nbd->filled += n;
		len -= n;
	}
	must(len <= INPUT - nbd->in_len);
	nbd->in_len += len;
}

void nbd_buffer(struct nbd *nbd, struct nbd_request *request, void *buffer)
{
	must(nbd->filling == slot_of(request) && !request->data);
	size_t n = nbd->in_len < request->length ? nbd->in_len : (size_t)request->length;
	request->data = buffer;
	memcpy(buffer, nbd->in + nbd->in_from, n);
	nbd->filled = n;
	in_take(nbd, n);
}

/* Each of these takes one thing from the input. An event, or GO_ON. */

static int take_skipped(struct nbd *nbd)
{
	size_t n = nbd->skip < nbd->in_len ? (size_t)nbd->skip : nbd->in_len;
	in_take(nbd, n);
	nbd->skip -= n;
	if (nbd->skip)
		return NBD_WANT_INPUT;
	nbd->skipping = false;
	if (nbd->skipped_option)
		option_too_big(nbd, nbd->skipped);
	else
		answer_error(nbd, &nbd->slots[nbd->skipped], nbd->skip_error);
	return GO_ON;
}

static int take_flags(struct nbd *nbd)
{
	if (nbd->in_len < 4)
		return NBD_WANT_INPUT;
	uint32_t flags = be32(nbd->in + nbd->in_from);
	in_take(nbd, 4);
	nbd->no_zeroes = flags & NO_ZEROES;
	nbd->state = AT_OPTION;
	/* A client that knows no fixed newstyle may still ask for EXPORT_NAME. */
	if (flags & ~(uint32_t)(FIXED_NEWSTYLE | NO_ZEROES))
		end(nbd, "it is no client of NBD, or of a later protocol");
	return GO_ON;
}

static int take_option(struct nbd *nbd)
{
	const uint8_t *at = nbd->in + nbd->in_from;
	if (out_free(&nbd->out) < REPLY_MAX)
		return NBD_BUSY;
	if (nbd->in_len < OPTION_HEAD)
		return NBD_WANT_INPUT;
	uint32_t option = be32(at + 8), len = be32(at + 12);
	if (be64(at) != OPTION_MAGIC || nbd->options == OPTIONS_MAX) {
		end(nbd,
			nbd->options == OPTIONS_MAX ? "there was no end to its options"
						    : "what it sent is no option");
		return GO_ON;
	}
	if (len > OPTION_MAX) {
		in_take(nbd, OPTION_HEAD);
		nbd->options++;
		nbd->skipping = nbd->skipped_option = true;
		nbd->skip = len;
		nbd->skipped = option;
		return GO_ON;
	}
	if (nbd->in_len < OPTION_HEAD + (size_t)len)
		return NBD_WANT_INPUT;
	nbd->options++;
	in_take(nbd, OPTION_HEAD + (size_t)len);
	option_answer(nbd, option, at + OPTION_HEAD, len);
	return GO_ON;
}

static int take_payload(struct nbd *nbd, struct nbd_request **ret_request)
{
	struct slot *slot = nbd->filling;
	if (slot->request.data && nbd->filled < slot->request.length)
		return NBD_WANT_INPUT;
	*ret_request = &slot->request;
	if (!slot->request.data)
		return NBD_WANT_BUFFER;
	nbd->filling = NULL;
	nbd->state = AT_COMMAND;
	return NBD_REQUEST;
}

static int step(struct nbd *nbd, struct nbd_request **ret_request)
{
	if (nbd->skipping)
		return take_skipped(nbd);
	switch (nbd->state) {
	case AT_FLAGS:
		return take_flags(nbd);
	case AT_OPTION:
		return take_option(nbd);
	case AT_LIST:
		return option_list(nbd) ? GO_ON : NBD_BUSY;
	case AT_TLS:
		return NBD_BUSY;
	case AT_COMMAND:
		return command_take(nbd, ret_request);
	case AT_PAYLOAD:
		return take_payload(nbd, ret_request);
	case AT_END:
	default:
		return nbd->in_flight ? NBD_BUSY : NBD_HANG_UP;
	}
}

enum nbd_event nbd_next(struct nbd *nbd, struct nbd_request **ret_request)
{
	int event = GO_ON;
	must(!nbd->room_of);
	while (event == GO_ON) {
		event = step(nbd, ret_request);
		if (event == NBD_WANT_INPUT)
			event = wire_pull(nbd);
	}
	if (event == NBD_HANG_UP)
		wire_end(nbd);
	return (enum nbd_event)event;
}
