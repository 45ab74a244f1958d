/* SPDX-License-Identifier: Apache-2.0 */
/* Words to values and back. */
#include "plan/field.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "core/name.h"

enum { MILLION = 1000000, DECIMALS = 6 };

/* Beyond that a double does not hold each millionth. */
static const int64_t most_millionths = INT64_C(9000000000) * MILLION;

int field_millionths(const char *word, int64_t *ret, struct why *why)
{
	int64_t value = 0;
	int decimals = -1, digits = 0;
	for (const char *at = word; *at; at++) {
		if (*at == '.' && decimals < 0 && digits) {
			decimals = 0;
			continue;
		}
		if (!isdigit((unsigned char)*at) || decimals == DECIMALS ||
			value > most_millionths / 10)
			digits = -1;
		if (digits < 0)
			break;
		value = value * 10 + (*at - '0');
		decimals += decimals >= 0;
		digits++;
	}
	for (int i = decimals < 0 ? 0 : decimals; i < DECIMALS && digits > 0; i++)
		if (!mul_fits(value, INT64_C(10), &value))
			digits = -1;
	if (digits <= 0 || decimals == 0 || value > most_millionths)
		return why_set(why, -EINVAL,
			"'%.40s' is not a number such as 4 or 0.25, of six decimals at most", word);
	*ret = value;
	return 0;
}

void field_show_millionths(int64_t value, struct str *text)
{
	int decimals = DECIMALS;
	int64_t part = value % MILLION;
	str_addf(text, "%" PRId64, value / MILLION);
	for (; decimals && part % 10 == 0; decimals--)
		part /= 10;
	if (decimals)
		str_addf(text, ".%0*" PRId64, decimals, part);
}

int field_name(const char *word, char *ret_name, struct why *why)
{
	size_t len = strlen(word);
	size_t fine = strspn(
		word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:/@");
	if (!len || fine < len || len >= CORE_NAME)
		return why_set(why, -EINVAL,
			"'%.20s' is not a name: 1 to 63 letters, digits and ._-:/@", word);
	memset(ret_name, 0, CORE_NAME);
	memcpy(ret_name, word, len);
	return 0;
}

static int64_t millionths_of(double value)
{
	return isfinite(value) ? llround(fmin(fmax(value, 0), 9e9) * MILLION) : 0;
}

static int read_number(const struct field *field, const char *word, double *ret, struct why *why)
{
	char digits[32];
	int64_t value;
	bool share = field->type == FIELD_SHARE;
	size_t len = strlen(word);
	if (share && (len < 2 || word[len - 1] != '%'))
		return why_set(why, -EINVAL, "'%.40s' is not a share: write it like 12.5%%", word);
	len -= share;
	if (len >= sizeof(digits))
		return why_set(why, -EINVAL, "'%.40s' has too many digits", word);
	memcpy(digits, word, len);
	digits[len] = 0;
	int err = field_millionths(digits, &value, why);
	if (err)
		return err;
	if (share && value % 100)
		return why_set(why, -EINVAL, "'%.40s': a share has four decimals at most", word);
	double number = (double)(share ? value / 100 : value) / MILLION;
	if (number < field->min || number > field->max)
		return why_set(why, -EINVAL, "'%.40s' is not within %g and %g%s", word,
			field->min * (share ? 100 : 1), field->max * (share ? 100 : 1),
			share ? " %" : "");
	*ret = number;
	return 0;
}

static int read_word(const struct field *field, const char *word, int *ret, struct why *why)
{
	for (int i = 0; field->words[i]; i++)
		if (strcmp(field->words[i], word) == 0) {
			*ret = i;
			return 0;
		}
	int err = why_set(why, -EINVAL, "'%.40s' is none of", word);
	for (int i = 0; field->words[i] && why; i++) {
		size_t len = strlen(why->text);
		size_t more = strlen(field->words[i]);
		if (len + more + 2 < sizeof(why->text)) {
			why->text[len] = ' ';
			memcpy(why->text + len + 1, field->words[i], more + 1);
		}
	}
	return err;
}

static int read_speed(const char *word, double *ret, struct why *why)
{
	uint64_t bytes;
	int err = units_size(word, &bytes, why);
	if (err)
		return err;
	if (!bytes || bytes > UINT64_C(1) << 50)
		return why_set(why, -EINVAL, "'%.40s': a speed is 1B to 1PiB a second", word);
	*ret = (double)bytes;
	return 0;
}

static int read_size(const char *word, uint64_t *ret, struct why *why)
{
	uint64_t bytes;
	int err = units_size(word, &bytes, why);
	if (err)
		return err;
	if (bytes > UINT64_C(1) << 60)
		return why_set(why, -EINVAL, "'%.40s' is more than 1EiB", word);
	*ret = bytes;
	return 0;
}

static int read_time(const char *word, int64_t *ret, struct why *why)
{
	int64_t last;
	return units_time(word, ret, &last, why);
}

static int read_count(const struct field *field, const char *word, uint32_t *ret, struct why *why)
{
	double value;
	int err = read_number(field, word, &value, why);
	if (err)
		return err;
	if (value > floor(value))
		return why_set(why, -EINVAL, "'%.40s' is not a whole number", word);
	*ret = (uint32_t)value;
	return 0;
}

int field_read(const struct field *field, const char *word, void *base, struct why *why)
{
	char *at = (char *)base + field->offset;
	switch (field->type) {
	case FIELD_NAME:
		return field_name(word, at, why);
	case FIELD_WORD:
		return read_word(field, word, (int *)(void *)at, why);
	case FIELD_DURATION:
		return units_duration(word, (int64_t *)(void *)at, why);
	case FIELD_SIZE:
		return read_size(word, (uint64_t *)(void *)at, why);
	case FIELD_SPEED:
		return read_speed(word, (double *)(void *)at, why);
	case FIELD_TIME:
		return read_time(word, (int64_t *)(void *)at, why);
	case FIELD_NUMBER:
	case FIELD_SHARE:
		return read_number(field, word, (double *)(void *)at, why);
	case FIELD_COUNT:
		return read_count(field, word, (uint32_t *)(void *)at, why);
	case FIELD_FLAG:
		break;
	}
	*(bool *)at = true;
	return 0;
}

void field_show(const struct field *field, const void *base, struct str *text)
{
	const char *at = (const char *)base + field->offset;
	char shown[UNITS_TEXT];
	switch (field->type) {
	case FIELD_NAME:
		str_add(text, at);
		break;
	case FIELD_WORD:
		str_add(text, field->words[*(const int *)(const void *)at]);
		break;
	case FIELD_DURATION:
		str_add(text, units_show_duration(*(const int64_t *)(const void *)at, shown));
		break;
	case FIELD_SIZE:
		str_add(text, units_show_size(*(const uint64_t *)(const void *)at, shown));
		break;
	case FIELD_SPEED:
		str_add(text,
			units_show_size(
				(uint64_t)fmin(fmax(*(const double *)(const void *)at, 1), 0x1p50),
				shown));
		break;
	case FIELD_TIME:
		str_add(text, units_show_time(*(const int64_t *)(const void *)at, shown));
		break;
	case FIELD_NUMBER:
		field_show_millionths(millionths_of(*(const double *)(const void *)at), text);
		break;
	case FIELD_SHARE:
		field_show_millionths(millionths_of(*(const double *)(const void *)at) * 100, text);
		str_add(text, "%");
		break;
	case FIELD_COUNT:
		str_addf(text, "%" PRIu32, *(const uint32_t *)(const void *)at);
		break;
	case FIELD_FLAG:
		break;
	}
}
