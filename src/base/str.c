/* SPDX-License-Identifier: Apache-2.0 */
/* Growing text, and the "did you mean" behind every refused word. */
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* Room for `more` bytes and the closing NUL. */
static bool str_grow(struct str *str, size_t more)
{
	size_t need;
	if (str->failed || !add_fits(str->len, more, &need) || !add_fits(need, 1, &need)) {
		str->failed = true;
		return false;
	}
	if (need <= str->cap)
		return true;
	size_t cap = str->cap ? str->cap : 64;
	while (cap < need && mul_fits(cap, 2, &cap))
		;
	char *at = cap < need ? NULL : realloc(str->at, cap);
	if (!at) {
		str->failed = true;
		return false;
	}
	str->at = at;
	str->cap = cap;
	return true;
}

void str_add_bytes(struct str *str, const void *bytes, size_t len)
{
	if (!str_grow(str, len))
		return;
	if (len)
		memcpy(str->at + str->len, bytes, len);
	str->len += len;
	str->at[str->len] = '\0';
}

void str_add(struct str *str, const char *text)
{
	str_add_bytes(str, text, strlen(text));
}

void str_addf(struct str *str, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0) {
		str->failed = true;
		return;
	}
	if (!str_grow(str, (size_t)len))
		return;
	va_start(args, fmt);
	vsnprintf(str->at + str->len, (size_t)len + 1, fmt, args);
	va_end(args);
	str->len += (size_t)len;
}

int str_error(const struct str *str)
{
	return str->failed ? -ENOMEM : 0;
}

const char *str_text(const struct str *str)
{
	return str->at ? str->at : "";
}

char *str_take(struct str *str)
{
	if (!str_grow(str, 0)) {
		str_done(str);
		return NULL;
	}
	str->at[str->len] = '\0';
	char *at = str->at;
	*str = (struct str){0};
	return at;
}

void str_clear(struct str *str)
{
	str->len = 0;
	str->failed = false;
	if (str->at)
		str->at[0] = '\0';
}

void str_done(struct str *str)
{
	free(str->at);
	*str = (struct str){0};
}

bool str_starts(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* Edit distance with transpositions (Damerau, restricted); SIZE_MAX beyond 31 letters. */
static size_t str_distance(const char *a, const char *b)
{
	enum { MAX = 32 };
	size_t la = strlen(a), lb = strlen(b);
	if (la >= MAX || lb >= MAX)
		return SIZE_MAX;
	size_t row[3][MAX]; /* row i lives at i % 3: a transposition looks two rows up */
	for (size_t j = 0; j <= lb; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);
			best = up[j] + 1 < best ? up[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				up2[j - 2] + 1 < best)
				best = up2[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[la % 3][lb];
}

const char *str_nearest(const char *word, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	size_t best = strlen(word) / 3 + 2; /* must be under a third of the word, plus one slip */
	for (size_t i = 0; i < count; i++) {
		size_t distance = str_distance(word, words[i]);
		if (distance < best && distance < strlen(words[i])) {
			best = distance;
			nearest = words[i];
		}
	}
	return nearest;
}
