/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the store of series into models: whole hours of one series, in order, with a refit at each
 * local midnight that is passed. So a model that is made today has lived through the weeks that the
 * store remembers, and one that was there has only the last hours to take in.
 *
 * Any thread, one at a time for each struct; calls block as those of the store do.
 */
#ifndef EBB_FORESEE_FEED_H
#define EBB_FORESEE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

struct app;
struct apps;
struct network;
struct series;
struct why;

enum { HOUR_MS = 3600 * 1000 };

/* Local seconds of a moment in UTC: its seconds plus the offset in force. NULL: UTC. */
typedef int64_t local_fn(int64_t utc_s);

/* What feeding needs, for any number of series one after the other. */
struct feed {
	struct series *series; /* borrowed */
	local_fn *local;
	struct work *work;       /* borrowed */
	struct ahead *ahead;     /* borrowed; spoilt by each call */
	struct network *network; /* borrowed; NULL: models do without */
	bool teach;              /* it learns from each day that is taken in */
	const struct apps *apps; /* borrowed; NULL: nothing is known of applications */
};

/* The model of one series, and how far it has been fed. */
struct fed {
	uint32_t id;           /* of the series */
	struct model *model;   /* borrowed or given, as its owner says */
	int64_t until_ms;      /* hours before are in it; 0: it is new */
	const struct app *app; /* that it belongs to, of feed->apps; NULL: none */
};

/*
 * Takes in what there is up to the next local midnight, and refits there; never beyond `now_ms`,
 * and of the hour under way nothing. ret_more: there is more to take in. 0, or what reading
 * answered, with the model as it was.
 */
int feed_step(
	const struct feed *feed, int64_t now_ms, struct fed *fed, bool *ret_more, struct why *why);

/* Whose series it is, and what is believed of it at first: before it is fed. */
void feed_belong(const struct feed *feed, struct fed *fed, const char *name);

/* Whether a local midnight lies between; a model fed until 0 is always due. */
bool feed_due(const struct feed *feed, int64_t now_ms, int64_t until_ms);

/* feed_step() until there is no more. */
int feed_all(const struct feed *feed, int64_t now_ms, struct fed *fed, struct why *why);

struct feed_said {
	int64_t start_ms; /* the first hour ahead */
	bool partial;     /* there was not one whole hour: it is judged by the part there is */
};

/*
 * What comes after `now_ms`, by a model that was fed until then: in feed->ahead. The model has
 * reached that hour then, and is not to be fed on. -ENODATA: nothing is known at all.
 */
int feed_ahead(const struct feed *feed, int64_t now_ms, struct fed *fed, struct feed_said *ret,
	struct why *why);

#endif
