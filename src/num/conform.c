/* SPDX-License-Identifier: Apache-2.0 */
/* Quantile tracking; p-values against the past. */
#include "num/conform.h"

#include <math.h>

void track_move(struct track *track, const struct track_opts *opts, double missed)
{
	double error = missed - opts->wanted;
	if (isnan(error))
		return;
	/* Bounded, so that a year of one kind of day cannot wind it up. */
	double errors = fmin(fmax((double)track->errors + error, -10), 10);
	double push = opts->gain * (error + opts->integral * tanh(0.5 * errors));
	double moved = (double)track->offset + push;
	track->offset = (float)fmin(fmax(moved, opts->low), opts->high);
	track->errors = (float)errors;
}

/* Bin 0 is for what is next to nothing, the last for all that is enormous: 2^-8 .. 2^8. */
static size_t bin_of(double score)
{
	double at = 8 * (log2(fmax(score, 1e-30)) + 8);
	return at < 0 ? 0 : at >= SURPRISE_BINS ? SURPRISE_BINS - 1 : (size_t)at;
}

double surprise_add(struct surprise *surprise, double score, double forget)
{
	if (isnan(score))
		return 1;
	size_t bin = bin_of(score);
	double above = 0, scale = forget;
	/* Its own bin counts half: inside it the order is unknown. */
	for (size_t i = bin; i < SURPRISE_BINS; i++)
		above += (double)surprise->count[i] * (i == bin ? 0.5 : 1);
	double p = (above + 1) / ((double)surprise->total + 1);
	for (size_t i = 0; scale < 1 && i < SURPRISE_BINS; i++)
		surprise->count[i] *= (float)scale;
	surprise->total = (float)((double)surprise->total * fmin(scale, 1)) + 1;
	surprise->count[bin] += 1;
	return fmin(p, 1);
}
