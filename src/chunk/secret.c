/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets as text, and back. */
#include "chunk/secret.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/why.h"

/* Crockford's base 32: no I, L, O, U; reading takes i and l for 1, o for 0, and any case. */
static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const char prefix[] = "ebb1-";
enum { SECRET_DIGITS = 52, CHECK_DIGITS = 4, ALL_DIGITS = SECRET_DIGITS + CHECK_DIGITS };

/* The secret as 5-bit digits (256 bits and 4 zeros), then 20 bits of its SHA-256. */
static int secret_digits(const uint8_t secret[SECRET_SIZE], uint8_t values[ALL_DIGITS])
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	if (!SHA256(secret, SECRET_SIZE, sum))
		return -EIO;
	for (size_t i = 0; i < ALL_DIGITS; i++) {
		const uint8_t *from = i < SECRET_DIGITS ? secret : sum;
		size_t bit = (i < SECRET_DIGITS ? i : i - SECRET_DIGITS) * 5;
		unsigned pair = (unsigned)from[bit / 8] << 8;
		if (bit / 8 + 1 < SECRET_SIZE)
			pair |= from[bit / 8 + 1];
		values[i] = pair >> (11 - bit % 8) & 31;
	}
	return 0;
}

int secret_show(const uint8_t secret[SECRET_SIZE], char text[SECRET_TEXT])
{
	uint8_t values[ALL_DIGITS];
	int err = secret_digits(secret, values);
	if (err)
		return err;
	size_t len = sizeof(prefix) - 1;
	memcpy(text, prefix, len);
	for (size_t i = 0; i < ALL_DIGITS; i++) {
		if (i && i % 4 == 0)
			text[len++] = '-';
		text[len++] = digits[values[i]];
	}
	text[len] = '\0';
	OPENSSL_cleanse(values, sizeof(values));
	return 0;
}

static int digit_value(char c)
{
	char upper = (char)toupper((unsigned char)c);
	if (upper == 'O')
		upper = '0';
	if (upper == 'I' || upper == 'L')
		upper = '1';
	const char *at = upper ? strchr(digits, upper) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* The digits of a text up to its end, or up to the first `enough`; their number. */
static int read_digits(const char *text, size_t enough, uint8_t values[ALL_DIGITS],
	size_t *ret_count, struct why *why)
{
	size_t count = 0;
	for (const char *c = text; *c && count < enough; c++) {
		if (*c == '-' || isspace((unsigned char)*c))
			continue;
		int value = digit_value(*c);
		if (value < 0 || count == ALL_DIGITS)
			return why_set(why, -EINVAL, "the secret key is wrong in group %zu",
				count / 4 + 1);
		values[count++] = (uint8_t)value;
	}
	*ret_count = count;
	return 0;
}

static int digits_to_secret(const uint8_t values[ALL_DIGITS], uint8_t ret_secret[SECRET_SIZE])
{
	uint8_t again[ALL_DIGITS], secret[SECRET_SIZE] = {0};
	for (size_t i = 0; i < SECRET_DIGITS; i++) {
		unsigned wide = (unsigned)values[i] << (11 - i * 5 % 8);
		secret[i * 5 / 8] |= (uint8_t)(wide >> 8);
		if (i * 5 / 8 + 1 < SECRET_SIZE)
			secret[i * 5 / 8 + 1] |= (uint8_t)wide;
	}
	int err = secret_digits(secret, again);
	if (!err && memcmp(values, again, sizeof(again)) != 0)
		err = -EINVAL;
	if (!err)
		memcpy(ret_secret, secret, sizeof(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(again, sizeof(again));
	return err;
}

static int read_secret(
	const char *text, size_t enough, uint8_t ret_secret[SECRET_SIZE], struct why *why)
{
	uint8_t values[ALL_DIGITS];
	size_t count = 0;
	int err = read_digits(text, enough, values, &count, why);
	if (!err && count != ALL_DIGITS)
		err = why_set(why, -EINVAL,
			"the secret key has %zu digits, not %d: some are missing", count,
			ALL_DIGITS);
	else if (!err && digits_to_secret(values, ret_secret))
		err = why_set(
			why, -EINVAL, "the secret key's check digits differ: a digit was misread");
	OPENSSL_cleanse(values, sizeof(values));
	return err;
}

int secret_read(const char *text, uint8_t ret_secret[SECRET_SIZE], struct why *why)
{
	if (strncasecmp(text, prefix, sizeof(prefix) - 1) != 0)
		return why_set(why, -EINVAL, "a secret key begins with %s", prefix);
	return read_secret(text + sizeof(prefix) - 1, SIZE_MAX, ret_secret, why);
}

int secret_find(const char *text, uint8_t ret_secret[SECRET_SIZE], struct why *why)
{
	const char *at = strcasestr(text, prefix);
	if (!at)
		return why_set(
			why, -EINVAL, "no secret key stands in it: one begins with %s", prefix);
	return read_secret(at + sizeof(prefix) - 1, ALL_DIGITS, ret_secret, why);
}
