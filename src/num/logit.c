/* SPDX-License-Identifier: Apache-2.0 */
/* Iteratively reweighted least squares. */
#include "num/logit.h"

#include <math.h>
#include <string.h>

#include "base/must.h"
#include "num/array.h"

enum { ROUNDS = 12 };

double logit_at(const struct logit *logit, const double *features)
{
	double z = num_dot(logit->beta, features, logit->dims);
	return 1 / (1 + exp(-z));
}

/* Gradient and curvature of the penalised likelihood; one Newton step. */
static bool newton(struct logit *logit, const struct logit *start, const struct logit_data *data,
	double *ret_moved)
{
	size_t d = logit->dims;
	double curve[LOGIT_DIMS * LOGIT_DIMS] = {0}, slope[LOGIT_DIMS] = {0}, row[LOGIT_DIMS];
	for (size_t i = 0; i < data->n; i++) {
		for (size_t j = 0; j < d; j++)
			row[j] = (double)data->rows[i * d + j];
		double p = logit_at(logit, row), weight = fmax(p * (1 - p), 1e-6);
		num_axpy(slope, (double)data->truth[i] - p, row, d);
		for (size_t j = 0; j < d; j++)
			num_axpy(curve + j * d, weight * row[j], row, j + 1);
	}
	for (size_t j = 0; j < d; j++) {
		double ridge = j ? data->ridge : 1e-6;
		curve[j * d + j] += ridge;
		slope[j] -= ridge * (logit->beta[j] - start->beta[j]);
	}
	if (!num_cholesky(curve, d))
		return false;
	num_cholesky_solve(curve, d, slope);
	*ret_moved = 0;
	for (size_t j = 0; j < d; j++)
		*ret_moved = fmax(*ret_moved, fabs(slope[j]));
	/* Far from the solution Newton overshoots: no step is longer than 4. */
	num_axpy(logit->beta, *ret_moved > 4 ? 4 / *ret_moved : 1, slope, d);
	return true;
}

bool logit_fit(struct logit *logit, const struct logit_data *data)
{
	must(logit->dims > 0 && logit->dims <= LOGIT_DIMS);
	struct logit tried = *logit;
	double moved = HUGE_VAL;
	if (!data->n)
		return false;
	for (int round = 0; round < ROUNDS && moved > 1e-6; round++)
		if (!newton(&tried, logit, data, &moved) || !isfinite(moved))
			return false;
	*logit = tried;
	return true;
}
