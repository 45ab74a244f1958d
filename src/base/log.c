/* SPDX-License-Identifier: Apache-2.0 */
/* logfmt lines: keys as they are, values quoted when they need it. */
#include "base/log.h"

#include <inttypes.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/utf8.h"

const char *const log_level_names[4] = {"error", "warn", "info", "debug"};

/* syslog priorities, as the journal reads them from a line's <n> prefix (sd-daemon(3)). */
static const char *const journal_prefix[4] = {"<3>", "<4>", "<6>", "<7>"};

/* The length of the character at `text` if it may be shown as it is; 0: its byte is escaped. */
static size_t shown_size(const char *text)
{
	uint32_t code;
	size_t size = utf8_take(text, strlen(text), &code);
	return size && utf8_is_shown(code) ? size : 0;
}

/* A value that logfmt readers take as one word. */
static bool is_plain(const char *text)
{
	const char *c = text;
	for (size_t size; *c; c += size) {
		size = shown_size(c);
		if (!size || strchr(" \"=\\", *c))
			return false;
	}
	return c > text;
}

static void add_value(struct str *line, const char *text)
{
	if (is_plain(text)) {
		str_add(line, text);
		return;
	}
	str_add(line, "\"");
	for (const char *c = text; *c;) {
		size_t size = shown_size(c);
		if (*c == '"' || *c == '\\')
			str_addf(line, "\\%c", *c);
		else if (*c == '\n')
			str_add(line, "\\n");
		else if (size)
			str_add_bytes(line, c, size);
		else
			str_addf(line, "\\x%02x", (unsigned)(unsigned char)*c);
		c += size ? size : 1;
	}
	str_add(line, "\"");
}

void log_write(
	struct log *log, enum log_level level, const char *event, const struct log_field *fields)
{
	if (level > log->level)
		return;
	OWN(str_done) struct str line = {0};
	if (log->journal) {
		str_add(&line, journal_prefix[level]);
	} else {
		char time[UNITS_TEXT];
		str_addf(&line, "ts=%s level=%s ", units_show_time(log->wall_ns(log->arg), time),
			log_level_names[level]);
	}
	str_add(&line, "event=");
	add_value(&line, event);
	for (; fields->key; fields++) {
		str_addf(&line, " %s=", fields->key);
		if (fields->text)
			add_value(&line, fields->text);
		else
			str_addf(&line, "%" PRId64, fields->number);
	}
	str_add(&line, "\n");
	if (!str_error(&line))
		log->put(log->arg, line.at, line.len);
}
