/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weeks of load, generated or recorded, lived through: what the forecast said at each midnight
 * beside what came, and where on the last of those days a backup would have worked.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_DEMO_WEEK_H
#define EBB_EBB_DEMO_WEEK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct str;

enum { WEEK_DAYS = 28, WEEK_HOURS = 24, WEEK_COLUMNS = 48, WEEK_LINES = 8, WEEK_NAME = 256 };

/* In percent of what the disk can do; NaN where nothing is known. */
struct week_day {
	int64_t start_ms; /* UTC */
	bool said;        /* a forecast was made at its midnight */
	double low[WEEK_HOURS], middle[WEEK_HOURS], high[WEEK_HOURS]; /* 10, 50 and 90 % */
	double came[WEEK_COLUMNS];
	double width; /* of the 80 % band, the mean over its hours */
};

enum week_way { WAY_FIXED, WAY_FEEDBACK, WAY_OURS, WAY_KNOWS, WEEK_WAYS };

struct week {
	char source[WEEK_NAME]; /* the file it was recorded in; "": it is generated */
	size_t count;
	struct week_day days[WEEK_DAYS];
	size_t jobs;                             /* of each way, one a day */
	double harm[WEEK_WAYS], late[WEEK_WAYS]; /* of a job; share of jobs */
	double took[WEEK_WAYS][WEEK_COLUMNS];    /* share of the disk, on the last day */
};

/*
 * `data`: a file of CSV, or a folder of which the first one counts; NULL: a generated office. An
 * exit code; failures were told.
 */
int week_live(const struct call *call, const char *data, struct week *ret_week);

/* How a terminal shows it. */
struct week_look {
	bool letters; /* nothing but ASCII */
	bool color;
};

/* What was expected of a day, and what came: WEEK_LINES lines, and one for the clock. */
void week_chart(const struct week_day *day, const struct week_look *look, struct str *text);

/* When one way worked on the last day, as one line without its end. */
void week_strip(
	const struct week *week, enum week_way way, const struct week_look *look, struct str *text);

/* "Fri 2026-10-16". */
const char *week_date(const struct week_day *day, char text[32]);

json_t *week_json(const struct week *week);

#endif
