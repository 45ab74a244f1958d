/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting mistakes, and showing what stood in the file without trusting it. */
#include "conf/errors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

bool conf_errors_full(const struct conf_errors *errors)
{
	return errors->count == CONF_ERRORS_MAX;
}

int conf_error(
	struct conf_errors *errors, struct conf_place place, const char *key, const char *fmt, ...)
{
	if (conf_errors_full(errors)) {
		errors->more = true;
		return -EINVAL;
	}
	struct why *why = &errors->at[errors->count++];
	char what[sizeof(why->text)];
	va_list args;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	char where[32] = "";
	if (place.line)
		snprintf(where, sizeof(where), ":%" PRIu32 ":%" PRIu32, place.line, place.column);
	return why_set(why, -EINVAL, "%s%s: %s%s%s", place.file, where, key ? key : "",
		key ? ": " : "", what);
}

const char *conf_shown(const char *text, size_t len, char shown[CONF_SHOWN])
{
	/* Room is kept for one more character, escaped as "\xNN" a byte, and for "...". */
	const size_t last = CONF_SHOWN - 16 - sizeof("...");
	size_t used = 0;
	for (size_t at = 0; at < len;) {
		uint32_t code;
		size_t size = utf8_take(text + at, len - at, &code);
		if (used > last) {
			used += (size_t)snprintf(shown + used, CONF_SHOWN - used, "...");
			break;
		}
		if (size && utf8_is_shown(code)) {
			memcpy(shown + used, text + at, size);
			used += size;
		} else {
			size += !size;
			for (size_t i = 0; i < size; i++)
				used += (size_t)snprintf(shown + used, CONF_SHOWN - used, "\\x%02x",
					(unsigned)(unsigned char)text[at + i]);
		}
		at += size;
	}
	shown[used] = '\0';
	return shown;
}
