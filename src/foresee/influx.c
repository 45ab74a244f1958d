/* SPDX-License-Identifier: Apache-2.0 */
/* Lines in place. */
#include "foresee/influx.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/why.h"
#include "foresee/mapping.h"
#include "foresee/trace.h"

enum { FIELDS = 128, METRIC = 256, HOST = 256 };

struct point {
	char *measurement;
	struct foreign_label tags[FOREIGN_LABELS];
	size_t tag_count;
	struct {
		char *key, *value;
		bool text; /* it was in quotes */
	} fields[FIELDS];
	size_t field_count;
	char *moment;
};

struct lines {
	const struct influx_options *options;
	struct intake *intake;
	struct why *why;
	size_t line;
	char host[HOST];
	struct point point;
};

static int refuse(const struct lines *lines, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(const struct lines *lines, const char *fmt, ...)
{
	char text[200];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return why_set(
		lines->why, -EINVAL, "%.200s:%zu: %s", lines->options->name, lines->line, text);
}

/* A word up to one of `stops`, unescaped in place; gives what stopped it, 0 at the end. */
static char *take_word(char **at, const char *stops, char *ret_stop)
{
	char *from = *at, *to = from, *p = from;
	while (*p && !strchr(stops, *p)) {
		if (*p == '\\' && p[1] && strchr(",= \\", p[1]))
			p++;
		*to++ = *p++;
	}
	*ret_stop = *p;
	*at = p + (*p != '\0');
	*to = '\0';
	return from;
}

/* What stands between quotes; false: they are never closed. */
static bool take_text(char **at, char **ret)
{
	char *to = *at, *p = *at + 1;
	*ret = to;
	for (; *p && *p != '"'; p++) {
		if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		*to++ = *p;
	}
	if (!*p)
		return false;
	*at = p + 1;
	*to = '\0';
	return true;
}

static int take_tags(struct lines *lines, char **at, char *stop)
{
	struct point *point = &lines->point;
	while (*stop == ',') {
		char *key = take_word(at, "=, ", stop);
		if (*stop != '=' || !*key)
			return refuse(lines, "a tag without a value");
		char *value = take_word(at, ", ", stop);
		if (point->tag_count == FOREIGN_LABELS)
			return refuse(lines, "more than %d tags", FOREIGN_LABELS);
		point->tags[point->tag_count++] = (struct foreign_label){key, value};
	}
	return *stop == ' ' ? 0 : refuse(lines, "no fields");
}

static int take_fields(struct lines *lines, char **at, char *stop)
{
	struct point *point = &lines->point;
	do {
		char *key = take_word(at, "=, ", stop), *value;
		if (*stop != '=' || !*key)
			return refuse(lines, "a field without a value");
		bool text = **at == '"';
		if (text && !take_text(at, &value))
			return refuse(lines, "a quote is opened and never closed");
		if (text) {
			*stop = **at;
			*at += *stop != '\0';
		} else {
			value = take_word(at, ", ", stop);
		}
		if (*stop && *stop != ',' && *stop != ' ')
			return refuse(lines, "something stands behind the closing quote");
		if (point->field_count == FIELDS)
			return refuse(lines, "more than %d fields", FIELDS);
		point->fields[point->field_count].key = key;
		point->fields[point->field_count].text = text;
		point->fields[point->field_count++].value = value;
	} while (*stop == ',');
	return 0;
}

static int read_point(struct lines *lines, char *at)
{
	char stop;
	lines->point.tag_count = lines->point.field_count = 0;
	lines->point.measurement = take_word(&at, ", ", &stop);
	if (!*lines->point.measurement)
		return refuse(lines, "no measurement");
	int err = take_tags(lines, &at, &stop);
	if (!err)
		err = take_fields(lines, &at, &stop);
	if (err)
		return err;
	while (*at == ' ')
		at++;
	lines->point.moment = at;
	at[strcspn(at, " \r")] = '\0';
	return *at ? 0 : refuse(lines, "no moment: a line of a file has to tell it");
}

/* 12i 12u 1.5 true; text is none. */
static int read_value(const char *text, double *ret)
{
	char *end;
	if (strchr("tTfF", *text) && strlen(text) <= 5) {
		*ret = *text == 't' || *text == 'T';
		return 0;
	}
	*ret = strtod(text, &end);
	if (end == text || isspace((unsigned char)*text) || strpbrk(text, "xXnN"))
		return -EINVAL;
	end += *end == 'i' || *end == 'u';
	return *end ? -EINVAL : 0;
}

static int check_host(struct lines *lines, const struct foreign *foreign, bool *ret_mine)
{
	const char *host = foreign_value(foreign, "host"), *want = lines->options->host;
	*ret_mine = !want || (host && strcmp(host, want) == 0);
	if (want || !host || lines->options->match || strcmp(lines->host, host) == 0)
		return 0;
	if (lines->host[0])
		return refuse(lines, "several machines (%.60s, %.60s): say by --host which one",
			lines->host, host);
	snprintf(lines->host, sizeof(lines->host), "%s", host);
	return 0;
}

static int take_point(struct lines *lines)
{
	const struct point *point = &lines->point;
	const char *match = lines->options->match;
	struct intake_sample sample = {0};
	struct foreign foreign = {.count = point->tag_count};
	char metric[METRIC];
	bool mine;
	foreign.metric = metric;
	memcpy(foreign.labels, point->tags, point->tag_count * sizeof(*point->tags));
	if (match && strcmp(match, point->measurement) != 0) {
		lines->intake->left_out += point->field_count;
		return 0;
	}
	if (!trace_moment(point->moment, &sample.ms))
		return refuse(lines, "'%.40s' is no moment", point->moment);
	int err = check_host(lines, &foreign, &mine);
	for (size_t i = 0; !err && mine && i < point->field_count; i++) {
		int len = snprintf(metric, sizeof(metric), "%.120s.%.120s", point->measurement,
			point->fields[i].key);
		if (point->fields[i].text || len >= METRIC) {
			lines->intake->left_out++;
			continue;
		}
		if (read_value(point->fields[i].value, &sample.value))
			return refuse(lines, "field %.40s: '%.40s' is no number",
				point->fields[i].key, point->fields[i].value);
		err = mapping_take(lines->intake, &foreign, match != NULL, &sample, lines->why);
	}
	return err;
}

/* Comments, and what `influx_inspect export` says before the lines. */
static bool is_talk(const char *line)
{
	return !line[strspn(line, " \t\r")] || *line == '#' || str_starts(line, "CREATE DATABASE ");
}

int influx_read(const struct influx_options *options, char *text, size_t len, struct intake *intake,
	struct why *why)
{
	struct lines lines = {.options = options, .intake = intake, .why = why};
	char *next = text, *end = text + len;
	while (next < end) {
		char *line = next, *stop = memchr(line, '\n', (size_t)(end - line));
		stop = stop ? stop : end;
		next = stop + 1;
		*stop = '\0';
		lines.line++;
		if (strlen(line) != (size_t)(stop - line))
			return refuse(&lines, "a zero byte: this is no text");
		if (is_talk(line))
			continue;
		int err = read_point(&lines, line);
		if (!err)
			err = take_point(&lines);
		if (err)
			return err;
	}
	return 0;
}
