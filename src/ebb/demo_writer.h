/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of a volume that is served over NBD, with a load that comes and goes in a cycle, and
 * whose every block says which write it is of. It has one request out at a time and goes on only
 * when that was acknowledged: so whatever the volume holds at any moment is what its first N writes
 * made of it, for some N, and anybody can make that anew and compare.
 *
 * Write N (from 1 on) puts WRITER_BLOCK bytes at block (N * 2654435761) mod 2^32 mod the volume's
 * blocks: eight times the same 64 words of 8 bytes, little-endian, of which the first is N and word
 * I is the output of SplitMix64 for the state N * 64 + I.
 *
 * The loop's thread only.
 */
#ifndef EBB_EBB_DEMO_WRITER_H
#define EBB_EBB_DEMO_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "nbd/client.h"
#include "os/loop.h"

struct stream;
struct world;

enum { WRITER_BLOCK = 4096 };

struct writer {
	/* set by the owner before writer_start(); borrowed */
	struct world *world;
	const char *address, *name; /* as os/net.h has it; of the export */
	uint64_t blocks;
	double cycle_s, most; /* a cycle, and writes a second at its peak; may change meanwhile */

	uint64_t begun, done; /* writes; acknowledged ones */
	unsigned lost;        /* connections */
	struct stream *stream;
	struct nbd_client *client;
	struct nbd_asked asked;
	struct timer timer;
	bool out; /* a write is */
	int64_t last_ns;
	double due; /* writes that the cycle asks for, and that were not begun */
	uint8_t bytes[WRITER_BLOCK];
};

/* From then on it writes, and connects again when the connection is lost. */
void writer_start(struct writer *writer);

/* Hangs up. For OWN(), and when it was never started. */
void writer_stop(struct writer *writer);

/* What write `number` writes, and where. */
void writer_fill(uint64_t number, uint8_t ret_bytes[WRITER_BLOCK]);
uint64_t writer_place(uint64_t number, uint64_t blocks);

#endif
