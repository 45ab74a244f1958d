/* SPDX-License-Identifier: Apache-2.0 */
/* Costs of kinds, and of restores. */
#include "plan/kind.h"

#include <math.h>

#include "base/must.h"
#include "base/plant.h"
#include "base/units.h"

static const double gigabyte = 1e9, month_ns = 30 * (double)NS_PER_DAY;
static const double nearly_all = 0.9, merge_dead = 0.5, merge_rto = 0.7;
/* Beyond ten thousand years of anything nothing is compared. */
static const double longest_ns = 3e17;

double kind_money(const struct policy *policy, const struct tier *tier, uint64_t bytes)
{
	double kept = (double)(policy->keep_ns > tier->least_ns ? policy->keep_ns : tier->least_ns);
	return (double)bytes / gigabyte * tier->money * kept / month_ns;
}

static int64_t restore_ns(const struct tier *tier, double links, double bytes)
{
	double ns = (double)tier->wait_ns + links * (double)tier->open_ns +
		bytes / fmax(tier->reads, 1) * (double)NS_PER_SEC;
	return (int64_t)fmin(ns, longest_ns);
}

static double links_after(const struct kind_of *of, enum kind kind)
{
	switch (kind) {
	case KIND_FULL:
		return 1;
	case KIND_DIFFERENTIAL:
		return 2;
	case KIND_INCREMENTAL:
	case KINDS:
		break;
	}
	return (double)of->resource->links + 1;
}

static double chain_after(
	const struct kind_of *of, const struct kind_choice *choice, enum kind kind)
{
	double size = (double)of->resource->size;
	if (kind == KIND_FULL || !of->tier->chained)
		return size;
	if (kind == KIND_DIFFERENTIAL)
		return size + (double)choice->sizes[KIND_DIFFERENTIAL];
	return fmax((double)of->resource->chain, size) + (double)of->resource->dirty;
}

static void measure(const struct kind_of *of, struct kind_choice *ret)
{
	const struct resource *resource = of->resource;
	uint64_t dirty = resource->dirty < resource->size ? resource->dirty : resource->size;
	/* Where nobody counted, nothing was written twice. */
	uint64_t chain = resource->chain > resource->size ? resource->chain - resource->size : 0;
	uint64_t since = resource->since_full ? resource->since_full : chain + dirty;
	since = since > dirty ? since : dirty;
	*ret = (struct kind_choice){
		.sizes = {dirty, since < resource->size ? since : resource->size, resource->size}};
	for (int kind = 0; kind < KINDS; kind++) {
		double links = of->tier->chained ? links_after(of, (enum kind)kind) : 1;
		ret->restore_ns[kind] = restore_ns(
			of->tier, links, chain_after(of, ret, (enum kind)kind));
	}
}

/* A byte's cost to be backed up, and to be restored. */
static double stored_gb(const struct kind_of *of)
{
	return of->harm_gb + kind_money(of->policy, of->tier, (uint64_t)gigabyte);
}

static double restored_gb(const struct kind_of *of)
{
	/* Waiting is dear too: as much as a GB of it is worth at the hot tier's price a month. */
	return of->tier->fetch + 0.1 / fmax(of->tier->reads / gigabyte * 60, 1e-6);
}

/*
 * The period at which the cost per point of fulls and of ever longer restores together is least:
 * sqrt(2 c_b (F - d) / (p c_r d)), p restores for each point.
 */
static double period(const struct kind_of *of)
{
	const struct resource *resource = of->resource;
	double size = (double)resource->size, dirty = fmax((double)resource->dirty, 1);
	double points = (double)NS_PER_DAY / fmax((double)of->policy->rpo_ns, 1);
	double restores = resource->restores / points;
	if (restores <= 0)
		return 1e6;
	return fmin(1e6,
		fmax(1,
			sqrt(2 * stored_gb(of) * fmax(size - dirty, 0) /
				fmax(restores * restored_gb(of) * dirty, 1e-9))));
}

/* A differential costs more to write, and spares the restore what the chain would read twice. */
static bool differential_pays(const struct kind_of *of, const struct kind_choice *choice)
{
	const struct resource *resource = of->resource;
	double more = (double)(choice->sizes[KIND_DIFFERENTIAL] - choice->sizes[KIND_INCREMENTAL]);
	double chain = chain_after(of, choice, KIND_INCREMENTAL);
	double spared = chain - chain_after(of, choice, KIND_DIFFERENTIAL) +
		((double)resource->links - 1) * (double)of->tier->open_ns / (double)NS_PER_SEC *
			of->tier->reads;
	double days = fmax(choice->pays_after - (double)resource->links, 1) *
		(double)of->policy->rpo_ns / (double)NS_PER_DAY;
	return resource->links > 1 && spared > 0 &&
		stored_gb(of) * more < resource->restores * days * restored_gb(of) * spared;
}

static bool keeps(const struct kind_of *of, const struct kind_choice *choice, enum kind kind)
{
	return !of->policy->rto_ns || choice->restore_ns[kind] <= of->policy->rto_ns;
}

/* What costs least, whatever the RTO says. */
static enum kind cheapest(const struct kind_of *of, struct kind_choice *choice)
{
	choice->cause = KIND_CHEAPEST;
	choice->pays_after = period(of);
	if ((double)of->resource->links >= choice->pays_after) {
		choice->cause = KIND_LONG_CHAIN;
		return KIND_FULL;
	}
	return differential_pays(of, choice) ? KIND_DIFFERENTIAL : KIND_INCREMENTAL;
}

/* Those with a shorter chain come later in the order of kinds. */
static enum kind within_rto(const struct kind_of *of, struct kind_choice *choice, enum kind kind)
{
	if (keeps(of, choice, kind))
		return kind;
	choice->cause = KIND_RTO;
	for (; (int)kind < KINDS; kind = (enum kind)(kind + 1))
		if (keeps(of, choice, kind))
			return kind;
	choice->cause = KIND_SLOW;
	return KIND_FULL;
}

static bool is_orphan(const struct kind_of *of)
{
	int64_t until = of->resource->base_until_ns;
	return !planted(ORPHAN) && of->tier->chained && until &&
		until - of->now_ns < of->policy->keep_ns;
}

static enum kind decide(const struct kind_of *of, struct kind_choice *choice)
{
	const struct resource *resource = of->resource;
	choice->cause = !resource->verified_ns || !resource->links               ? KIND_FIRST
		: is_orphan(of)                                                  ? KIND_ORPHAN
		: (double)resource->dirty >= nearly_all * (double)resource->size ? KIND_ALL_DIRTY
										 : KIND_MAPPED;
	if (choice->cause != KIND_MAPPED)
		return KIND_FULL;
	if (!of->tier->chained)
		return KIND_INCREMENTAL;
	return within_rto(of, choice, cheapest(of, choice));
}

void kind_choose(const struct kind_of *of, struct kind_choice *ret)
{
	measure(of, ret);
	ret->kind = decide(of, ret);
	ret->bytes = ret->sizes[ret->kind];
	ret->keeps_rto = keeps(of, ret, ret->kind);
	bool slow = of->tier->chained && of->policy->rto_ns &&
		(double)ret->restore_ns[ret->kind] > merge_rto * (double)of->policy->rto_ns;
	ret->merge = ret->kind != KIND_FULL && (of->resource->dead > merge_dead || slow);
	must(ret->bytes <= of->resource->size);
}
