/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bytes a point on a tier consists of: incremental, differential or full, by what it is
 * expected to cost until the next full, storing and restoring, under the RTO. And how long a
 * restore of it would take.
 *
 * Where points are read by a map of blocks, each is a full one to read and an incremental to write;
 * chains matter where a point is read through those before it (struct tier, chained).
 *
 * Any thread. Pure.
 */
#ifndef EBB_PLAN_KIND_H
#define EBB_PLAN_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/policy.h"
#include "core/resource.h"
#include "core/tier.h"

enum kind_cause {
	KIND_FIRST,      /* there is nothing to add to */
	KIND_ORPHAN,     /* the full it would stand on is not kept as long */
	KIND_ALL_DIRTY,  /* nearly all of it changed */
	KIND_MAPPED,     /* a map of blocks: incremental for ever */
	KIND_CHEAPEST,   /* of those that keep the RTO */
	KIND_LONG_CHAIN, /* so long that a full pays by now */
	KIND_RTO,        /* a cheaper one would break the RTO */
	KIND_SLOW,       /* none keeps the RTO: the one that restores fastest */
};

struct kind_choice {
	enum kind kind;
	enum kind_cause cause;
	uint64_t bytes;            /* to be written */
	uint64_t sizes[KINDS];     /* of each kind */
	int64_t restore_ns[KINDS]; /* of the point, made that way */
	double pays_after;         /* links after which a full pays */
	bool keeps_rto;
	bool merge; /* a synthetic full, made on the tier, pays */
};

/* What a choice is made on. `harm_gb`: money of the harm that reading a GB does. */
struct kind_of {
	const struct resource *resource;
	const struct policy *policy;
	const struct tier *tier;
	int64_t now_ns;
	double harm_gb;
};

void kind_choose(const struct kind_of *of, struct kind_choice *ret);

/* Money for so many bytes on the tier, kept as the policy says, what goes early paid to the end. */
double kind_money(const struct policy *policy, const struct tier *tier, uint64_t bytes);

#endif
