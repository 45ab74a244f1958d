/* SPDX-License-Identifier: Apache-2.0 */
/* Composing the sentence that tells a person why something failed. */
#include "base/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int why_set(struct why *why, int err, const char *fmt, ...)
{
	if (!why)
		return err;
	va_list args;
	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return err;
}

int why_errno(struct why *why, int err, const char *fmt, ...)
{
	if (!why)
		return err;
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(why->text))
		snprintf(why->text + len, sizeof(why->text) - (size_t)len, ": %s",
			strerrordesc_np(-err) ? strerrordesc_np(-err) : "unknown error");
	return err;
}

int why_prefix(struct why *why, int err, const char *fmt, ...)
{
	if (!why)
		return err;
	struct why old = *why;
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(why->text))
		snprintf(why->text + len, sizeof(why->text) - (size_t)len, ": %s", old.text);
	return err;
}
