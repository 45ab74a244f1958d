/* SPDX-License-Identifier: Apache-2.0 */
/* A day as lines of a terminal. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/str.h"
#include "ebb/demo_week.h"

#define CYAN "\033[36m"
#define BOLD "\033[1m"
#define GREEN "\033[32m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

enum { PER_HOUR = WEEK_COLUMNS / WEEK_HOURS, HIGHEST = 80 };

const char *week_date(const struct week_day *day, char text[32])
{
	time_t seconds = (time_t)(day->start_ms / 1000);
	struct tm tm;
	text[0] = '\0';
	if (gmtime_r(&seconds, &tm))
		strftime(text, 32, "%a %Y-%m-%d", &tm);
	return text;
}

/* The line that a share falls on, 0 being the lowest. */
static int line_of(double share)
{
	int line = (int)(share * WEEK_LINES / HIGHEST);
	return line < 0 ? 0 : line < WEEK_LINES ? line : WEEK_LINES - 1;
}

enum mark { MARK_NONE, MARK_BAND, MARK_CAME };

static enum mark mark_at(const struct week_day *day, size_t column, int line)
{
	size_t hour = column / PER_HOUR;
	if (!isnan(day->came[column]) && line == line_of(day->came[column]))
		return MARK_CAME;
	bool in = day->said && line >= line_of(day->low[hour]) && line <= line_of(day->high[hour]);
	return in ? MARK_BAND : MARK_NONE;
}

static void add_mark(enum mark mark, const struct week_look *look, struct str *text)
{
	static const char *const letters[] = {" ", ":", "o"};
	static const char *const pictures[] = {" ", "\u2591", "\u25cf"};
	static const char *const colors[] = {"", CYAN, BOLD};
	if (look->color && mark != MARK_NONE)
		str_add(text, colors[mark]);
	str_add(text, look->letters ? letters[mark] : pictures[mark]);
	if (look->color && mark != MARK_NONE)
		str_add(text, PLAIN);
}

void week_chart(const struct week_day *day, const struct week_look *look, struct str *text)
{
	for (int line = WEEK_LINES - 1; line >= 0; line--) {
		if (line == WEEK_LINES - 1 || line == 0)
			str_addf(text, "   %3d %% |", line ? HIGHEST : 0);
		else
			str_add(text, "         |");
		for (size_t column = 0; column < WEEK_COLUMNS; column++)
			add_mark(mark_at(day, column, line), look, text);
		str_add(text, "\n");
	}
	str_add(text, "          ");
	for (int hour = 0; hour < WEEK_HOURS; hour += 3)
		str_addf(text, "%02d:00%*s", hour, 3 * PER_HOUR - 5, "");
	str_add(text, "\n");
}

void week_strip(
	const struct week *week, enum week_way way, const struct week_look *look, struct str *text)
{
	static const char *const letters[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
	static const char *const pictures[] = {" ", "\u2581", "\u2582", "\u2583", "\u2584",
		"\u2585", "\u2586", "\u2587", "\u2588"};
	enum { STEPS = sizeof(letters) / sizeof(*letters) - 1 };
	if (look->color)
		str_add(text, way == WAY_FIXED ? RED : GREEN);
	for (size_t column = 0; column < WEEK_COLUMNS; column++) {
		double share = week->took[way][column];
		/* The least that was taken is seen. */
		int step = share > 0.002 ? 1 + (int)(share * (STEPS - 1)) : 0;
		step = step < STEPS ? step : STEPS;
		str_add(text, (look->letters ? letters : pictures)[step]);
	}
	if (look->color)
		str_add(text, PLAIN);
}
