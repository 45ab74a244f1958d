/* SPDX-License-Identifier: Apache-2.0 */
/* Models to bytes and back: one list of fields serves both directions. */
#include "model/shelf.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/why.h"

static const char magic[8] = {'e', 'b', 'b', 'm', 'o', 'd', 'e', 'l'};

enum { VERSION = 1 };

/* Goes over the payload; writing when `out` is set, else reading from `in`. */
struct cursor {
	uint8_t *out;
	const uint8_t *in;
	size_t at, len;
	bool short_of;
};

static void put_bytes(struct cursor *c, void *field, size_t size)
{
	if (c->short_of || size > c->len - c->at) {
		c->short_of = true;
		return;
	}
	if (c->out)
		memcpy(c->out + c->at, field, size);
	else
		memcpy(field, c->in + c->at, size);
	c->at += size;
}

#define FIELD(c, field) put_bytes((c), &(field), sizeof(field))

static void visit_history(struct cursor *c, struct history *history)
{
	uint32_t flags = (history->started ? 1u : 0) | (history->negative ? 2u : 0);
	FIELD(c, history->first);
	FIELD(c, history->next);
	FIELD(c, history->poisoned);
	FIELD(c, history->late);
	FIELD(c, flags);
	FIELD(c, history->sum);
	FIELD(c, history->count);
	history->started = flags & 1;
	history->negative = flags >> 1 & 1;
	int64_t kept;
	/* The span is checked here because the hours that follow depend on it. */
	if (!sub_fits(history->next, history->first, &kept) || kept < 0 || kept > HISTORY_HOURS ||
		history->first < 0) {
		c->short_of = true;
		return;
	}
	for (int64_t hour = history->first; hour < history->next; hour++)
		FIELD(c, history->hours[hour % HISTORY_HOURS]);
}

static void visit_smooth(struct cursor *c, struct smooth *smooth)
{
	FIELD(c, smooth->alpha);
	FIELD(c, smooth->gamma);
	FIELD(c, smooth->ar);
}

static void visit_phases(struct cursor *c, struct expert_fits *fits)
{
	uint32_t states = fits->phased ? (uint32_t)fits->phases.states : 0;
	FIELD(c, states);
	FIELD(c, fits->phases.start);
	FIELD(c, fits->phases.move);
	FIELD(c, fits->phases.mean);
	FIELD(c, fits->phases.deviation);
	fits->phased = states > 0;
	fits->phases.states = states;
}

static void visit_tally(struct cursor *c, struct tally *tally)
{
	FIELD(c, tally->loss);
	FIELD(c, tally->days);
}

static void visit_record(struct cursor *c, struct record *record)
{
	for (size_t lead = 0; lead < LEADS; lead++) {
		struct residuals *residuals = &record->residuals[lead];
		FIELD(c, residuals->of);
		FIELD(c, residuals->days);
		FIELD(c, residuals->below);
		FIELD(c, residuals->above);
	}
	visit_tally(c, &record->error);
	visit_tally(c, &record->naive_error);
	visit_tally(c, &record->covered);
	visit_tally(c, &record->pinball);
	FIELD(c, record->drift);
	FIELD(c, record->restarts);
}

static void visit(struct cursor *c, struct model *model)
{
	uint32_t fitted = model->fits.fitted;
	visit_history(c, &model->history);
	FIELD(c, fitted);
	model->fits.fitted = fitted & 1;
	visit_smooth(c, &model->fits.hw_log);
	visit_smooth(c, &model->fits.dshw_log);
	visit_smooth(c, &model->fits.dshw);
	visit_phases(c, &model->fits);
	for (size_t e = 0; e < EXPERTS; e++) {
		for (size_t lead = 0; lead < LEADS; lead++)
			visit_tally(c, &model->mix.error[lead][e]);
		for (size_t w = 0; w < WIDTHS; w++)
			visit_tally(c, &model->mix.regret[w][e]);
	}
	visit_record(c, &model->record);
	FIELD(c, model->refits);
}

size_t shelf_write(const struct model *model, uint8_t *ret)
{
	/* visit() serves both directions and so wants a model that it may touch; writing does not.
	 */
	struct cursor c = {.out = ret + SHELF_HEAD, .len = SHELF_MAX - SHELF_HEAD};
	visit(&c, (struct model *)(uintptr_t)model);
	memcpy(ret, magic, sizeof(magic));
	put_le32(ret + 8, VERSION);
	put_le32(ret + 12, (uint32_t)c.at);
	put_le64(ret + 16, hash64(ret + SHELF_HEAD, c.at, VERSION));
	return SHELF_HEAD + c.at;
}

static bool share(double x)
{
	return x >= 0 && x <= 1.000001;
}

static bool sane_smooth(const struct smooth *smooth)
{
	return share(smooth->alpha) && share(smooth->gamma[0]) && share(smooth->gamma[1]) &&
		share(smooth->ar);
}

static bool sane_phases(const struct hmm *hmm)
{
	if (hmm->states > HMM_STATES)
		return false;
	for (size_t i = 0; i < hmm->states; i++) {
		if (!share(hmm->start[i]) || !(fabs(hmm->mean[i]) < 1e6) ||
			!(hmm->deviation[i] > 0 && hmm->deviation[i] < 1e6))
			return false;
		for (size_t j = 0; j < hmm->states; j++)
			if (!(hmm->move[i][j] >= 0 && hmm->move[i][j] <= 1.000001))
				return false;
	}
	return true;
}

static bool sane_tally(const struct tally *tally)
{
	return tally->loss >= 0 && tally->loss < 1e30F && tally->days >= 0 && tally->days < 1e6F;
}

static bool sane_mix(const struct mix *mix)
{
	for (size_t e = 0; e < EXPERTS; e++) {
		for (size_t lead = 0; lead < LEADS; lead++)
			if (!sane_tally(&mix->error[lead][e]))
				return false;
		for (size_t w = 0; w < WIDTHS; w++)
			if (!sane_tally(&mix->regret[w][e]))
				return false;
	}
	return true;
}

static bool sane_values(const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fabsf(x[i]) > 2e18F)
			return false;
	return true;
}

static bool sane_residuals(const struct residuals *residuals)
{
	const struct track *tracks[2] = {&residuals->below, &residuals->above};
	for (size_t i = 0; i < 2; i++)
		if (!(fabsf(tracks[i]->offset) <= 1) || !(fabsf(tracks[i]->errors) <= 10))
			return false;
	return sane_values(residuals->of[0], RECORD_DAYS * HISTORY_DAY);
}

/* The first thing that no writer would have written, NULL when there is none. */
static const char *find_nonsense(const struct model *model)
{
	const struct history *history = &model->history;
	if (history->next > INT64_C(70389528) || !(fabs(history->sum) < 1e300))
		return "its time or its open hour";
	if (!sane_values(history->hours, HISTORY_HOURS))
		return "its hours";
	if (!sane_smooth(&model->fits.hw_log) || !sane_smooth(&model->fits.dshw_log) ||
		!sane_smooth(&model->fits.dshw))
		return "its smoothers";
	if (!sane_phases(&model->fits.phases))
		return "its phases";
	if (!sane_mix(&model->mix))
		return "its weights";
	for (size_t lead = 0; lead < LEADS; lead++)
		if (!sane_residuals(&model->record.residuals[lead]))
			return "its residuals";
	const struct record *record = &model->record;
	if (!sane_tally(&record->error) || !sane_tally(&record->naive_error) ||
		!sane_tally(&record->covered) || !sane_tally(&record->pinball) ||
		!(record->drift.up >= 0 && record->drift.down >= 0))
		return "its record";
	return NULL;
}

static int check_head(const uint8_t *bytes, size_t len, struct why *why)
{
	if (len < SHELF_HEAD || memcmp(bytes, magic, sizeof(magic)) != 0)
		return why_set(why, -EINVAL, "not a model: it does not begin with \"ebbmodel\"");
	if (get_le32(bytes + 8) > VERSION)
		return why_set(why, -EPROTO, "a model of version %u: this program reads up to %d",
			get_le32(bytes + 8), VERSION);
	if (get_le32(bytes + 12) != len - SHELF_HEAD)
		return why_set(why, -EINVAL, "a model of %u bytes in %zu: it was cut or grew",
			get_le32(bytes + 12), len - SHELF_HEAD);
	if (get_le64(bytes + 16) != hash64(bytes + SHELF_HEAD, len - SHELF_HEAD, VERSION))
		return why_set(why, -EINVAL, "a damaged model: its checksum is wrong");
	return 0;
}

int shelf_read(const uint8_t *bytes, size_t len, struct model *ret, struct why *why)
{
	int err = check_head(bytes, len, why);
	if (err)
		return err;
	OWN(own_free) struct model *model = model_new();
	if (!model)
		return why_set(why, -ENOMEM, "no memory for a model");
	experts_begin(&model->fits);
	struct cursor c = {.in = bytes + SHELF_HEAD, .len = len - SHELF_HEAD};
	visit(&c, model);
	if (c.short_of || c.at != c.len)
		return why_set(why, -EINVAL, "a damaged model: its fields do not fill it");
	const char *nonsense = find_nonsense(model);
	if (nonsense)
		return why_set(why, -EINVAL, "a damaged model: %s cannot be", nonsense);
	*ret = *model;
	return 0;
}
