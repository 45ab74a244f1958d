/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes of a client: nothing breaks, every request lies within the export, and what waits stays
 * bounded. The first byte chooses how the rest is cut into pieces.
 */
#include <stdint.h>
#include <string.h>

#include "base/must.h"
#include "nbd/nbd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void answer_read(struct nbd *nbd, const struct nbd_request *request)
{
	uint32_t half = request->length / 2;
	uint8_t *bytes;
	if (request->offset % 5 == 4) {
		nbd_fail(nbd, NBD_EIO);
		return;
	}
	if (half)
		nbd_hole(nbd, half);
	if (request->length - half) {
		bytes = nbd_data(nbd, request->length - half);
		if (bytes)
			memset(bytes, 1, request->length - half);
	}
	if (request->offset % 5 == 3)
		nbd_fail(nbd, NBD_EIO);
	else
		nbd_done(nbd);
}

static void answer(struct nbd *nbd, const struct nbd_request *request)
{
	must(request->offset <= request->export->size);
	must(request->length <= request->export->size - request->offset);
	if (request->type == NBD_READ) {
		must(request->length <= NBD_PAYLOAD_MAX);
		answer_read(nbd, request);
		return;
	}
	if (request->type == NBD_STATUS)
		nbd_extent(nbd, request->length, request->offset % 2 ? NBD_HOLE : 0);
	nbd_done(nbd);
}

/* Sends all that waits, as a client would get it. */
static void drain(struct nbd *nbd)
{
	size_t waiting;
	nbd_waiting(nbd, &waiting);
	must(waiting <= 3 * (size_t)NBD_PAYLOAD_MAX);
	nbd_sent(nbd, waiting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct nbd_export exports[] = {
		{"a", "first", 1 << 20, 4096}, {"b", "", UINT64_C(1) << 40, 512}};
	struct nbd_request request;
	if (!len)
		return 0;
	struct nbd *nbd = nbd_new(exports, 2);
	must(nbd);
	size_t piece = *data ? *data : 1000, at = 1;
	bool ended = false;
	while (!ended && at < len) {
		size_t room, n = len - at < piece ? len - at : piece;
		uint8_t *to = nbd_room(nbd, &room);
		must(room);
		n = n < room ? n : room;
		memcpy(to, data + at, n);
		nbd_came(nbd, n);
		at += n;
		for (enum nbd_event event; (event = nbd_next(nbd, &request)) != NBD_WANT_INPUT;) {
			ended = event == NBD_HANG_UP;
			if (ended)
				break;
			answer(nbd, &request);
			drain(nbd);
		}
		drain(nbd);
	}
	nbd_free(nbd);
	return 0;
}
