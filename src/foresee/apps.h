/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people say of their applications: which series are theirs, what kind of load it is, and the
 * calendar by which it goes. Forecasts of those series go by it.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_FORESEE_APPS_H
#define EBB_FORESEE_APPS_H

#include "base/vec.h"
#include "calendar/calendar.h"
#include "model/prior.h"

enum { APP_SERIES = 512 };

enum app_type { APP_GENERAL, APP_WEB, APP_DATABASE, APP_BATCH, APP_TYPES };

extern const char *const app_types[APP_TYPES + 1]; /* general web database batch, NULL */

enum app_class { APP_CRITICAL, APP_NORMAL, APP_LOW };

extern const char *const app_classes[]; /* critical normal low */

struct app {
	char name[64]; /* for people */
	/* Words with blanks between, each a glob (fnmatch(3), * matches a / too) of a label's value
	 * or of a whole name. */
	char series[APP_SERIES];
	enum app_type type;
	enum app_class class;
	struct calendar calendar;
};

struct apps {
	VEC(struct app) list;
};

struct app_said {
	const char *name, *series, *calendar; /* copied */
	enum app_type type;
	enum app_class class;
};

/* 0; -EINVAL: the calendar is none; -ENOMEM. */
int apps_add(struct apps *apps, const struct app_said *said);
void apps_done(struct apps *apps);

/* The first application that a series belongs to; NULL: none. Borrowed. `apps` may be NULL. */
const struct app *apps_of(const struct apps *apps, const char *name);

/* What is believed of a series before its own days are known. `app` may be NULL. */
enum prior_class apps_prior(const struct app *app, const char *name);

#endif
