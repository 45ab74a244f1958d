/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of one series: give it samples as they come, let it refit once a day, ask it what
 * comes.
 *
 *     model_add(model, local_s, value);            any number of times
 *     model_refit(model, work, guest, &ahead);     once a day, at an hour of the caller's choice
 *     model_ahead(model, work, guest, &ahead);            whenever somebody wants to know
 *
 * Values are averaged to hours on the local clock (history.h). Forecasts reach seven days. A refit
 * also holds what was said before against what came: who drives, and how wide the bands are, is
 * decided by this record alone.
 *
 * Plain data of a fixed size, below 64 KiB; no memory is taken after model_new().
 *
 * Any thread, one at a time for each struct model and each struct work.
 */
#ifndef EBB_MODEL_MODEL_H
#define EBB_MODEL_MODEL_H

#include "model/bands.h"

struct model {
	struct history history;
	struct expert_fits fits;
	struct mix mix;
	struct record record;
	uint64_t refits;
};

/* Gives an empty model; NULL: no memory. */
struct model *model_new(void);
void model_free(struct model *model);

void model_add(struct model *model, int64_t local_s, double value);

/*
 * Both answer what comes; false, with *ret spoilt, when there is no history. `guest`: see
 * experts_say(). A refit also scores what was said before, fits, and leaves today's words.
 */
bool model_refit(struct model *model, struct work *work, const double *guest, struct ahead *ret);
bool model_ahead(struct model *model, struct work *work, const double *guest, struct ahead *ret);

#endif
