/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering; what comes from the socket is shown with nothing in it that moves a terminal. */
#include "ebb/status_text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/units.h"
#include "conf/errors.h"
#include "ebb/amount.h"

#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

/* The member as text, shown safely; "" when it is null or no text. */
static const char *text_of(const json_t *object, const char *key, char shown[CONF_SHOWN])
{
	const json_t *member = json_object_get(object, key);
	const char *text = json_string_value(member);
	return conf_shown(text ? text : "", text ? json_string_length(member) : 0, shown);
}

/* A member that is a number within what an int64_t can hold in ns; else 0. */
static double number_of(const json_t *object, const char *key)
{
	double number = json_number_value(json_object_get(object, key));
	return number >= 0 && number < 1e9 * 9 ? number : 0;
}

static double share_of(const json_t *object, const char *key)
{
	return 100 * number_of(object, key);
}

/* Two units are enough for people: "3d4h", "1m5s", "12.3ms". */
static const char *duration(double seconds, char text[UNITS_TEXT])
{
	int64_t ns = (int64_t)(seconds * (double)NS_PER_SEC);
	static const int64_t steps[][2] = {{NS_PER_DAY, NS_PER_HOUR}, {NS_PER_HOUR, NS_PER_MIN},
		{NS_PER_MIN, NS_PER_SEC}, {NS_PER_SEC, 100 * NS_PER_MS}};
	if (ns < NS_PER_SEC) {
		snprintf(text, UNITS_TEXT, "%.1fms", (double)ns / (double)NS_PER_MS);
		return text;
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (ns >= steps[i][0])
			return units_show_duration(ns - ns % steps[i][1], text);
	return text;
}

static const char *bytes(const json_t *object, const char *key, char text[AMOUNT])
{
	double number = json_number_value(json_object_get(object, key));
	return amount_bytes(number > 0 && number < 0x1p63 ? (uint64_t)number : 0, text);
}

static void add_sentence(const json_t *status, bool color, struct str *out)
{
	char name[CONF_SHOWN], up[UNITS_TEXT], tick[UNITS_TEXT];
	const char *degraded = json_string_value(json_object_get(status, "degraded"));
	text_of(status, "node", name);
	if (degraded) {
		/* In full: it is what this is about. Piece by piece, each shown safely. */
		str_addf(
			out, "%s%s is degraded:%s ", color ? YELLOW : "", name, color ? PLAIN : "");
		for (size_t len = strlen(degraded); len;) {
			char shown[CONF_SHOWN];
			size_t part = len < 8 ? len : 8;
			while (part < len && (degraded[part] & 0xc0) == 0x80)
				part++; /* not within a character */
			str_add(out, conf_shown(degraded, part, shown));
			degraded += part;
			len -= part;
		}
		str_add(out, "\n");
		return;
	}
	str_addf(out, "%s%s is well:%s up %s, looks around every %s\n", color ? GREEN : "", name,
		color ? PLAIN : "", duration(number_of(status, "uptime"), up),
		duration(number_of(status, "tick"), tick));
}

static void add_ticks(const json_t *status, struct str *out)
{
	char last[UNITS_TEXT];
	json_int_t skipped = json_integer_value(json_object_get(status, "ticks_skipped"));
	str_addf(out, "  ticks     %" JSON_INTEGER_FORMAT ", the last one took %s",
		json_integer_value(json_object_get(status, "ticks")),
		duration(number_of(status, "last_tick"), last));
	if (skipped)
		str_addf(out, ", %" JSON_INTEGER_FORMAT " skipped", skipped);
	str_add(out, "\n");
}

static void add_pressure(const json_t *pressure, struct str *out)
{
	static const char *const kinds[] = {"cpu", "memory", "io"};
	bool any = false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const json_t *kind = json_object_get(pressure, kinds[i]);
		if (!json_is_object(kind))
			continue;
		str_addf(out, "%s%s %.1f %%", any ? ", " : "  pressure  ", kinds[i],
			share_of(kind, "some"));
		any = true;
	}
	if (any)
		str_add(out, "\n");
}

static void add_host(const json_t *status, struct str *out)
{
	char text[CONF_SHOWN], available[AMOUNT], all[AMOUNT];
	const json_t *host = json_object_get(status, "host");
	const json_t *disk = json_object_get(host, "busiest_disk");
	if (*text_of(status, "host_error", text))
		str_addf(out, "  load      cannot be read: %s\n", text);
	if (!json_is_object(host)) {
		if (!*text)
			str_add(out, "  load      known after two ticks\n");
		return;
	}
	str_addf(out, "  load      cpu %.0f %%, memory %s of %s free", share_of(host, "cpu_share"),
		bytes(host, "memory_available", available), bytes(host, "memory", all));
	if (json_is_object(disk))
		str_addf(out, ", busiest disk %s %.0f %%", text_of(disk, "name", text),
			share_of(disk, "busy_share"));
	str_add(out, "\n");
	add_pressure(json_object_get(host, "pressure"), out);
}

static void add_programs(const json_t *status, struct str *out)
{
	const json_t *programs = json_object_get(status, "programs");
	json_int_t known = json_integer_value(json_object_get(programs, "known"));
	json_int_t kept = json_integer_value(json_object_get(programs, "kept"));
	json_int_t left_out = json_integer_value(json_object_get(programs, "left_out"));
	if (!known && !left_out)
		return;
	str_addf(out,
		"  programs  %" JSON_INTEGER_FORMAT " watched of %" JSON_INTEGER_FORMAT " that run",
		kept, known);
	if (left_out)
		str_addf(out, ", and %" JSON_INTEGER_FORMAT " too many to look at", left_out);
	str_add(out, "\n");
}

static void add_postgres(const json_t *status, struct str *out)
{
	const json_t *one;
	size_t i;
	char name[CONF_SHOWN], error[CONF_SHOWN];
	json_array_foreach (json_object_get(status, "postgres"), i, one) {
		bool up = json_is_true(json_object_get(one, "up"));
		text_of(one, "error", error);
		str_addf(out, "  postgres  %s %s%s\n", text_of(one, "name", name),
			up               ? "answers"
				: *error ? "does not answer: "
					 : "was not asked yet",
			up ? "" : error);
	}
}

/* "4m12s" since then; "" when there was none. */
static const char *age(
	const json_t *status, const json_t *one, const char *key, char text[UNITS_TEXT])
{
	int64_t now, then, last;
	const char *at = json_string_value(json_object_get(one, key));
	const char *clock = json_string_value(json_object_get(status, "now"));
	if (!at || !clock || units_time(at, &then, &last, NULL) ||
		units_time(clock, &now, &last, NULL) || now < then)
		return "";
	return duration((double)(now - then) / (double)NS_PER_SEC, text);
}

/* "02:10": the moment's time of day, UTC, or with its day. */
static void add_moment(const json_t *plan, const char *key, struct str *out)
{
	char shown[CONF_SHOWN];
	text_of(plan, key, shown);
	if (strlen(shown) >= 16)
		str_addf(out, "%.10s %.5s", shown, shown + 11);
}

/* What others' requests take beside it; nothing when that could not be measured. */
static void add_latency(const json_t *latency, struct str *out)
{
	double now = json_number_value(json_object_get(latency, "now"));
	double without = json_number_value(json_object_get(latency, "without_us"));
	if (now > 0 && without > 0)
		str_addf(out, ", others' requests take %.3g ms (%.3g without it)", now * 1e3,
			without * 1e3);
}

static void add_one(const json_t *status, const json_t *one, struct str *out)
{
	char name[CONF_SHOWN], state[CONF_SHOWN], since[UNITS_TEXT];
	const json_t *plan = json_object_get(one, "plan");
	json_int_t failures = json_integer_value(json_object_get(one, "failures"));
	const char *old = age(status, one, "newest_point", since);
	str_addf(out, "  %-9s ", text_of(one, "name", name));
	str_addf(out, *old ? "protected %s ago" : "not protected yet%s", old);
	if (strcmp(text_of(one, "state", state), "waits") != 0) {
		str_addf(out, "; a job %s, %.0f %% of its disk is its own", state,
			share_of(one, "share"));
		add_latency(json_object_get(one, "foreground_latency"), out);
	} else if (*text_of(plan, "begins", name)) {
		str_add(out, "; next expected ");
		add_moment(plan, "begins", out);
	}
	if (json_is_true(json_object_get(one, "paused")))
		str_add(out, "; PAUSED");
	if (strcmp(text_of(json_object_get(one, "backtest"), "driver", name), "feedback") == 0)
		str_add(out,
			"; feedback alone drives: its forecast did worse on the last seven days");
	if (*old) {
		str_add(out, ", due ");
		add_moment(plan, "due", out);
	}
	/* The first one is late from the start, and nobody is to be frightened by that. */
	if (*old && json_is_true(json_object_get(plan, "will_miss")))
		str_add(out, "; it will be LATE whatever is done");
	if (json_is_true(json_object_get(one, "disk_missing")))
		str_addf(out, "; this host has no disk %s", text_of(one, "disk", name));
	if (failures)
		str_addf(out, "; the last %" JSON_INTEGER_FORMAT " failed", failures);
	str_add(out, "\n");
}

static void add_protected(const json_t *status, bool color, struct str *out)
{
	char error[CONF_SHOWN];
	const json_t *list = json_object_get(status, "protected");
	json_t *one;
	size_t i;
	json_array_foreach (list, i, one)
		add_one(status, one, out);
	if (*text_of(status, "jobs_error", error))
		str_addf(out, "  %sjobs      cannot begin:%s %s\n", color ? YELLOW : "",
			color ? PLAIN : "", error);
}

void status_text(const struct json_t *status, bool color, struct str *out)
{
	char a[CONF_SHOWN], b[CONF_SHOWN], c[CONF_SHOWN];
	add_sentence(status, color, out);
	str_addf(out, "  node      %s in %s, ebb %s\n", text_of(status, "node", a),
		text_of(status, "region", b), text_of(status, "version", c));
	str_addf(out, "  started   %s, boot %" JSON_INTEGER_FORMAT ", the one before ended: %s\n",
		text_of(status, "started", a), json_integer_value(json_object_get(status, "boot")),
		text_of(status, "previous_close", b));
	add_ticks(status, out);
	add_host(status, out);
	add_programs(status, out);
	add_postgres(status, out);
	add_protected(status, color, out);
	text_of(json_object_get(status, "config"), "path", a);
	bool none = !*a || strcmp(a, "/dev/null") == 0;
	str_addf(out, "  config    %s\n", none ? "all defaults" : a);
	if (*text_of(status, "url", a))
		str_addf(out, "  page      %s\n", a);
}
