/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of all series of a node: samples come in, in any order, and are kept at four levels of
 * detail for as long as each level says (docs/FORMATS.md, "Series").
 *
 *     series_make(series, &name, SERIES_GAUGE, &id, &why);    once for each series
 *     series_put(series, id, ms, value);                      each sample
 *     series_sync(series, &why);                              each ten seconds: now it is durable
 *     series_tend(series, 200000, &more, &why);               each ten seconds: rolls up, merges,
 *                                                             drops what is too old
 *
 * What is promised: after series_sync() answered 0, all samples put so far survive any crash, until
 * their level's time is over. What reading gives is what was put, and of two samples of one
 * millisecond the first.
 *
 * Samples that make no sense are counted and kept out (struct series_facts says how many of each).
 *
 * Memory: memory_max for samples that are in no segment yet (twice that while the disk is full),
 * about 300 bytes for each series, and while merging what one series has in one day: 16 bytes a
 * sample.
 *
 * After the first failure of the disk the store stops: every later call answers that error. Only a
 * full disk is waited out.
 *
 * Time is in milliseconds since 1970 UTC. One thread at a time; calls block.
 */
#ifndef EBB_SERIES_SERIES_H
#define EBB_SERIES_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "series/bucket.h"
#include "store/head.h"

struct name;
struct series;
struct why;
struct world;

struct series_options {
	struct world *world; /* borrowed */
	const char *folder;  /* all files in it are the store's */
	uint8_t identity[IDENTITY_SIZE];
	bool create;             /* the first start */
	bool look;               /* reads beside a running owner; changes nothing */
	uint64_t memory_max;     /* 0: SERIES_MEMORY */
	uint32_t series_max;     /* 0: SERIES_MAX */
	int64_t keep_ms[LEVELS]; /* 0: series_keep_ms() */
};

#define SERIES_MEMORY (UINT64_C(16) << 20)

enum {
	SERIES_MAX = 100000,
	SERIES_SPACING_MS = 100,       /* samples nearer to each other are refused */
	SERIES_AHEAD_MS = 3600 * 1000, /* so are those further in the future */
};

/* How long a level is kept unless options say otherwise: 3, 14, 100 days and 5 years. */
int64_t series_keep_ms(enum series_level level);

/*
 * Gives the store. -EWOULDBLOCK: another has it; -EBADMSG: damaged, or another's; -ENOTSUP: from a
 * newer program; -ENOENT: there is none and create is not set.
 */
int series_open(const struct series_options *options, struct series **ret_series, struct why *why);

/* Takes the store; NULL is allowed. What was not synced may be lost. */
void series_close(struct series *series);

/* ---- names ---- */

/*
 * The number of that series, which is made when there is none. -EINVAL: it is of another kind;
 * -ENOSPC: there are series_max already, which is counted.
 */
int series_make(struct series *series, const struct name *name, enum series_kind kind,
	uint32_t *ret_id, struct why *why);

/* -ENOENT. */
int series_find(const struct series *series, const struct name *name, uint32_t *ret_id);

struct series_one {
	uint32_t id;
	enum series_kind kind;
	const char *name;  /* borrowed until the next change of the store */
	int64_t last_ms;   /* of the newest sample */
	double last_value; /* NaN: not known since the start */
};

/* False stops the walk. */
typedef bool series_each_fn(void *arg, const struct series_one *one);

/* In the order in which they were made. */
void series_each(const struct series *series, series_each_fn *fn, void *arg);

/* False: there is none with that number. */
bool series_one(const struct series *series, uint32_t id, struct series_one *ret);

/* ---- samples ---- */

enum series_put {
	SERIES_KEPT,
	SERIES_LATE,      /* kept, behind newer ones */
	SERIES_DUPLICATE, /* this and all that follow are not kept: there is one of that time */
	SERIES_DENSE,     /* nearer than SERIES_SPACING_MS to another */
	SERIES_POISON,    /* NaN, infinite, beyond 1e300, or a counter below zero */
	SERIES_FUTURE,    /* more than SERIES_AHEAD_MS ahead */
	SERIES_OLD,       /* older than anything is kept */
	SERIES_FULL,      /* memory is full because the disk is */
	SERIES_GONE,      /* silent for a hundred days, and forgotten: make it anew */
	SERIES_STOPPED,
	SERIES_PUTS
};

enum series_put series_put(struct series *series, uint32_t id, int64_t ms, double value);

/* Makes all that was put and made so far durable. */
int series_sync(struct series *series, struct why *why);

/*
 * Does what is due, for about `budget` samples' work; ret_more: call it soon again. -ENOSPC: the
 * disk is full, nothing is lost, try later.
 */
int series_tend(struct series *series, uint64_t budget, bool *ret_more, struct why *why);

/* ---- reading ---- */

/* Adds the samples of [from, to) in order. */
int series_read(struct series *series, uint32_t id, int64_t from, int64_t to, struct samples *ret,
	struct why *why);

struct series_span {
	enum series_level level; /* not LEVEL_RAW */
	int64_t from, to;        /* buckets that begin in [from, to) */
};

/*
 * Adds the buckets of one level in order; what was not rolled up yet is rolled up now. A late
 * sample shows in buckets that had been rolled up when they are merged anew, within a day.
 */
int series_roll(struct series *series, uint32_t id, const struct series_span *span,
	struct buckets *ret, struct why *why);

/* ---- numbers ---- */

struct series_facts {
	uint64_t put[SERIES_PUTS]; /* since it was opened: how many of each answer */
	uint64_t resets;           /* counters that went down */
	uint64_t series, refused;  /* how many there are; how many there was no room for */
	uint64_t memory;           /* bytes of samples that are in no segment */
	uint64_t segments[LEVELS], bytes[LEVELS], rows[LEVELS];
	uint64_t log_bytes;
	uint64_t flushes, merges, damaged; /* segments found damaged */
};

struct series_facts series_facts(const struct series *series);

/* 0: it runs; else the failure that stopped it. */
int series_check(const struct series *series, struct why *why);

#endif
