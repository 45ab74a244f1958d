/* SPDX-License-Identifier: Apache-2.0 */
/* Remembered days, shaped by the forecast. */
#include "model/paths.h"

#include <math.h>
#include <string.h>

enum { FEW = 3 };

/* Residuals of the row `age` rows back; NULL: not so many. */
static const float *row_back(const struct residuals *residuals, size_t age)
{
	if (age > residuals->days || age > RECORD_DAYS)
		return NULL;
	return residuals->of[(residuals->days - age) % RECORD_DAYS];
}

static void bend(const struct model *model, const struct ahead *ahead, size_t age, double *ret)
{
	bool sign = model->history.negative;
	for (size_t h = 0; h < AHEAD_HOURS; h++) {
		const float *row = row_back(&model->record.residuals[lead_of(h)], age);
		size_t hour = (size_t)(ahead->start + (int64_t)h) % HISTORY_DAY;
		double off = row && !isnan(row[hour]) ? (double)row[hour] : 0;
		ret[h] = from_root(to_root(ahead->mix[h], sign) + off, sign);
	}
}

/* Nothing is remembered: the forecast, and the edges of its band, which hold a tenth each. */
static size_t few(const struct ahead *ahead, struct path *ret)
{
	static const struct {
		size_t quantile;
		double weight;
	} edges[FEW] = {{3, 0.6}, {1, 0.2}, {5, 0.2}};
	for (size_t i = 0; i < FEW; i++) {
		ret[i] = (struct path){.weight = edges[i].weight};
		for (size_t h = 0; h < AHEAD_HOURS; h++)
			ret[i].hours[h] = ahead->quantile[h][edges[i].quantile];
	}
	return FEW;
}

size_t paths_make(const struct model *model, const struct ahead *ahead, struct path *ret)
{
	uint32_t days = model->record.residuals[0].days;
	size_t count = days < PATHS_MAX ? days : PATHS_MAX;
	double sum = 0;
	if (count < FEW)
		return few(ahead, ret);
	for (size_t i = 0; i < count; i++) {
		ret[i].age_days = (int)i + 1;
		ret[i].weight = exp2(-(double)(i + 1) / 14) * ((i + 1) % 7 == 0 ? 2 : 1);
		sum += ret[i].weight;
		bend(model, ahead, i + 1, ret[i].hours);
	}
	for (size_t i = 0; i < count; i++)
		ret[i].weight /= sum;
	return count;
}
