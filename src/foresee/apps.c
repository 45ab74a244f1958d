/* SPDX-License-Identifier: Apache-2.0 */
/* Series held against the words of applications. */
#include "foresee/apps.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "series/name.h"

const char *const app_types[APP_TYPES + 1] = {"general", "web", "database", "batch", NULL};

int apps_add(struct apps *apps, const struct app_said *said)
{
	struct app app = {.type = said->type, .class = said->class};
	size_t at;
	snprintf(app.name, sizeof(app.name), "%s", said->name);
	snprintf(app.series, sizeof(app.series), "%s", said->series);
	int err = calendar_parse(said->calendar, &app.calendar, &at, NULL);
	return err ? err : vec_push(&apps->list, app);
}

void apps_done(struct apps *apps)
{
	vec_done(&apps->list);
}

const char *const app_classes[] = {"critical", "normal", "low"};

static bool glob_holds(const char *glob, const char *text, const struct name *name)
{
	if (fnmatch(glob, text, 0) == 0)
		return true;
	for (size_t i = 0; i < name->count; i++) {
		char value[NAME_VALUE + 1];
		const struct name_part *part = &name->labels[i].value;
		snprintf(value, sizeof(value), "%.*s", (int)part->len, name->bytes + part->at);
		if (fnmatch(glob, value, 0) == 0)
			return true;
	}
	return false;
}

static bool holds(const struct app *app, const char *text, const struct name *name)
{
	const char *at = app->series;
	while (*(at += strspn(at, " \t"))) {
		char glob[APP_SERIES];
		size_t len = strcspn(at, " \t");
		snprintf(glob, sizeof(glob), "%.*s", (int)len, at);
		if (glob_holds(glob, text, name))
			return true;
		at += len;
	}
	return false;
}

const struct app *apps_of(const struct apps *apps, const char *text)
{
	struct name name;
	if (!apps || !apps->list.len || name_parse(text, &name, NULL) != 0)
		return NULL;
	vec_each (app, &apps->list)
		if (holds(app, text, &name))
			return app;
	return NULL;
}

enum prior_class apps_prior(const struct app *app, const char *name)
{
	/* A batch is nothing for hours, then a flood, whatever it is measured in. */
	return app && app->type == APP_BATCH ? PRIOR_WILD : prior_of(name);
}
