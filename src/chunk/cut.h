/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where to cut a file: at places that its content chooses, so that an insertion moves the cuts with
 * it. FastCDC (Xia et al., USENIX ATC 2016; normalised, level 2) over a gear table drawn from the
 * repository's cut key.
 *
 * The key keeps cuts from being the same in two repositories. It is not what hides lengths: keyed
 * rolling hashes have been broken, so cut points are treated as public, and packs hide them.
 *
 * A cutter never changes: any thread.
 */
#ifndef EBB_CHUNK_CUT_H
#define EBB_CHUNK_CUT_H

#include <stddef.h>
#include <stdint.h>

enum { CUT_MIN = 64 << 10, CUT_NORMAL = 256 << 10, CUT_MAX = 1 << 20 };

struct cutter {
	uint64_t gear[256];
};

void cutter_init(struct cutter *cutter, const uint8_t cut_key[32]);

/* How far a chunk whose bytes come one after the other was looked through. All zeros begins one. */
struct cut_state {
	size_t at;
	uint64_t hash;
};

/*
 * The length of the chunk that begins at `bytes`, of which `len` are there by now, and those that
 * were there before still: CUT_MIN .. CUT_MAX, or 0 while it may go on behind them. Where the file
 * ends before, all that is left is its last chunk.
 */
size_t cut_more(
	const struct cutter *cutter, struct cut_state *state, const uint8_t *bytes, size_t len);

/*
 * The length of the first chunk of `bytes`: CUT_MIN .. CUT_MAX, or all of them when they are fewer
 * than CUT_MIN. The answer depends on the first CUT_MAX bytes only: give that many, or all that is
 * left of the file.
 */
size_t cut_next(const struct cutter *cutter, const uint8_t *bytes, size_t len);

#endif
