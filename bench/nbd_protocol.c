/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of room nbd alone for each operation, without sockets and without a disk: 32 requests
 * come in one piece, each is answered at once, and the answers are sent whenever a batch waits.
 * Payloads are moved neither in nor out, but where the line says so.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/must.h"
#include "nbd/nbd.h"

enum { DEPTH = 32, BATCHES = 100 * 1000, BLOCK = 4096, LONG = 128 << 10, SHORT_DEPTH = 15 };

static const struct nbd_export served = {
	.name = "", .description = "", .size = UINT64_C(1) << 40, .preferred = BLOCK};

static const struct nbd_export *get(struct nbd_exports *exports, const char *name)
{
	(void)exports;
	(void)name;
	return &served;
}

static const struct nbd_export *nth(struct nbd_exports *exports, size_t index)
{
	return index ? NULL : get(exports, "");
}

static void put(struct nbd_exports *exports, const struct nbd_export *export)
{
	(void)exports;
	(void)export;
}

static const struct nbd_exports_ops ops = {get, nth, put};

static uint8_t bytes[LONG];

enum way { ROOM, COPY, LEND };

struct work {
	const char *name;
	enum nbd_type type;
	uint32_t length, payload;
	unsigned depth;
	enum way way;
};

static double cpu_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static uint8_t *put_be(uint8_t *at, uint64_t value, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		at[i] = (uint8_t)(value >> 8 * (len - 1 - i));
	return at + len;
}

static void begin(struct nbd *nbd, bool structured)
{
	struct iovec room[NBD_ROOM];
	struct nbd_request *none;
	nbd_room(nbd, room);
	uint8_t *at = room->iov_base;
	at = put_be(at, 3, 4);
	if (structured)
		at = put_be(put_be(put_be(at, 0x49484156454f5054, 8), 8, 4), 0, 4);
	at = put_be(put_be(put_be(at, 0x49484156454f5054, 8), 7, 4), 6, 4);
	at = put_be(at, 0, 6);
	nbd_came(nbd, (size_t)(at - (uint8_t *)room->iov_base));
	must(nbd_next(nbd, &none) == NBD_WANT_INPUT && nbd_in_use(nbd));
}

/* As if one recv() had brought them all. */
static void receive(struct nbd *nbd, const struct work *work)
{
	struct iovec room[NBD_ROOM];
	nbd_room(nbd, room);
	uint8_t *start = room->iov_base, *at = start;
	for (unsigned i = 0; i < work->depth; i++) {
		at = put_be(put_be(put_be(at, 0x25609513, 4), 0, 2), work->type, 2);
		at = put_be(put_be(put_be(at, i, 8), i * BLOCK, 8), work->length, 4);
		at += work->payload;
	}
	must((size_t)(at - start) <= room->iov_len);
	nbd_came(nbd, (size_t)(at - start));
}

static void send_all(struct nbd *nbd)
{
	struct iovec parts[64];
	while (nbd_waiting(nbd, parts, 64)) {
		size_t sum = 0;
		for (unsigned i = 0; i < 64 && sum < nbd_waiting_bytes(nbd); i++)
			sum += parts[i].iov_len;
		nbd_sent(nbd, sum);
		while (nbd_released(nbd)) {
		}
	}
}

static void answer(struct nbd *nbd, struct nbd_request *request, enum way way)
{
	if (request->type != NBD_READ || (way == ROOM && nbd_read_room(nbd, request)))
		nbd_done(nbd, request);
	else
		nbd_read(nbd, request, &(struct nbd_part){bytes, request->length}, 1);
	if (nbd_waiting_bytes(nbd) >= NBD_BATCH)
		send_all(nbd);
}

static void run(const struct work *work, bool structured)
{
	struct nbd_exports exports = {&ops};
	struct nbd *nbd = nbd_new(&exports);
	struct nbd_request *request;
	must(nbd);
	begin(nbd, structured);
	send_all(nbd);
	double start = cpu_seconds();
	for (unsigned i = 0; i < BATCHES; i++) {
		receive(nbd, work);
		while (nbd_next(nbd, &request) == NBD_REQUEST)
			answer(nbd, request, work->way);
		send_all(nbd);
	}
	double seconds = cpu_seconds() - start;
	printf("%-38s %-10s %8.1f ns\n", work->name, structured ? "structured" : "simple",
		seconds * 1e9 / BATCHES / work->depth);
	nbd_free(nbd);
}

int main(void)
{
	static const struct work works[] = {
		{"flush", NBD_FLUSH, 0, 0, DEPTH, ROOM},
		{"read 4 KiB, into the output", NBD_READ, BLOCK, 0, DEPTH, ROOM},
		{"read 4 KiB, copied (warm)", NBD_READ, BLOCK, 0, DEPTH, COPY},
		{"read 128 KiB, lent", NBD_READ, LONG, 0, DEPTH, LEND},
		{"write 4 KiB, where it was received", NBD_WRITE, BLOCK, BLOCK, SHORT_DEPTH, ROOM},
	};
	printf("CPU time of the protocol for each operation, %d in one piece\n", DEPTH);
	for (size_t i = 0; i < sizeof(works) / sizeof(*works); i++)
		for (int structured = 0; structured < 2; structured++)
			run(&works[i], structured);
	return 0;
}
