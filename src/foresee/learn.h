/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learning on line: each series' model takes in the day that is over, scores what it had said,
 * refits, and is kept (kept.h); then the next series. One model is in memory at a time, whatever
 * the number of series: what stays of each is how far its model was fed.
 *
 * Whoever calls decides how much of the CPU it gets, by how often it calls.
 *
 * One thread at a time for each struct; calls block as those of the store do.
 */
#ifndef EBB_FORESEE_LEARN_H
#define EBB_FORESEE_LEARN_H

#include "base/vec.h"
#include "base/why.h"
#include "foresee/feed.h"
#include "store/head.h"

struct disk;
struct network;

struct learn {
	struct disk *disk; /* borrowed */
	uint8_t identity[IDENTITY_SIZE];
	struct feed feed;      /* its apps may change between two steps */
	VEC(int64_t) until_ms; /* by series; 0: not looked at since the start */
	uint32_t at;           /* the next series to look at */
	bool busy;             /* `fed` is under way */
	struct fed fed;
	uint64_t models, days, damaged; /* kept since the start: models, days taken in */
	struct network *network;        /* one for all of them */
	bool taught;                    /* it learnt since it was kept */
	bool stopped;                   /* the disk is not to be trusted */
	struct why failure;             /* of the last model that could not be kept; "": none */
};

/* 0 or -ENOMEM. learn_close() in any case. */
int learn_open(struct learn *learn, struct disk *disk, const uint8_t identity[IDENTITY_SIZE],
	local_fn *local);
void learn_close(struct learn *learn);

/*
 * At most one day of one series, some milliseconds. True: there is more to do now. The store
 * (borrowed for the call) may be another than in the call before.
 */
bool learn_step(struct learn *learn, struct series *series, int64_t now_ms);

#endif
