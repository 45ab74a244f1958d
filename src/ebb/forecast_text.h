/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A forecast as people and programs read it: what is known and since when, how good it has been,
 * and what comes, hour by hour.
 *
 * Any thread.
 */
#ifndef EBB_EBB_FORECAST_TEXT_H
#define EBB_EBB_FORECAST_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"
#include "series/bucket.h"

struct app;
struct soon;
struct str;

struct forecast {
	const char *name; /* of the series */
	enum series_kind kind;
	const struct model *model;
	const struct ahead *ahead;
	int64_t now_ms, start_ms; /* the first hour that is forecast */
	int64_t last_ms;          /* the newest sample */
	size_t hours;             /* to show, up to AHEAD_HOURS */
	bool partial;             /* known for less than one whole hour */
	bool kept;                /* the daemon's model, not one made for this call */
	bool paths;               /* scenario paths, too (JSON) */
	const struct app *app;    /* whose it is; NULL: nobody said */
	const struct soon *soon;  /* NULL: nothing is known at five-minute steps */
	int64_t (*local)(int64_t utc_s);
};

/* How much is known. */
struct forecast_known {
	size_t hours;   /* that hold something, of those kept */
	size_t span;    /* hours from the first one kept to the last that does */
	size_t age;     /* hours since */
	const char *is; /* "nothing", "hours", "days", "weeks" */
};

struct forecast_known forecast_known(const struct model *model);

/* The expert that is believed most for the next day, and its weight. */
const char *forecast_driver(
	const struct model *model, const struct ahead *ahead, double *ret_weight);

/* A chart of at most 100 columns. */
void forecast_chart(const struct forecast *forecast, bool color, struct str *out);

/* Every hour with all its quantiles, as a table. */
void forecast_table(const struct forecast *forecast, struct str *out);

/* One document. */
void forecast_json(const struct forecast *forecast, struct str *out);

/* A number in four or five letters: 12.3, 4.56k, 7.8M. */
enum { FORECAST_NUMBER = 16 };
const char *forecast_number(double value, char text[FORECAST_NUMBER]);

#endif
