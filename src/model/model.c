/* SPDX-License-Identifier: Apache-2.0 */
/* One series: history, experts, mix, record. */
#include "model/model.h"

#include <stdlib.h>

#include "num/array.h"

_Static_assert(sizeof(struct model) <= 64 * 1024, "a series may cost 64 KiB");

const double ahead_taus[AHEAD_QUANTILES] = {0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975};

struct model *model_new(void)
{
	return calloc(1, sizeof(struct model));
}

void model_free(struct model *model)
{
	free(model);
}

void model_add(struct model *model, int64_t local_s, double value)
{
	history_add(&model->history, local_s, value);
}

static void add_bands(const struct model *model, struct ahead *ret)
{
	struct bands bands;
	size_t lead = LEADS;
	for (size_t h = 0; h < AHEAD_HOURS; h++) {
		if (lead_of(h) != lead) {
			lead = lead_of(h);
			bands_begin(&bands, &model->record, &model->history, lead);
		}
		bands_at(&bands, h, ret->mix[h], ahead_taus, AHEAD_QUANTILES, ret->quantile[h]);
	}
}

static bool look_ahead(
	struct model *model, struct work *work, bool fit, const double *guest, struct ahead *ret)
{
	if (!experts_say(&model->history, &model->fits, fit, guest, work, &ret->said))
		return false;
	ret->start = model->history.next;
	mix_forecast(&model->mix, &ret->said, ret->mix);
	add_bands(model, ret);
	return true;
}

bool model_ahead(struct model *model, struct work *work, const double *guest, struct ahead *ret)
{
	return look_ahead(model, work, false, guest, ret);
}

bool model_refit(struct model *model, struct work *work, const double *guest, struct ahead *ret)
{
	record_settle(&model->record, &model->mix, &model->history);
	if (!look_ahead(model, work, true, guest, ret))
		return false;
	record_leave(&model->record, ret);
	model->refits++;
	return true;
}
