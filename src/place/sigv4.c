/* SPDX-License-Identifier: Apache-2.0 */
/* Signing requests. The steps carry the names of AWS's description. */
#include "place/sigv4.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

enum { HASH = SHA256_DIGEST_LENGTH, DATE = 8 };

void sigv4_encode(struct str *to, const char *text, bool slashes)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	for (; *text; text++) {
		if (strchr(plain, *text) || (slashes && *text == '/'))
			str_add_bytes(to, text, 1);
		else
			str_addf(to, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

static void show_hex(const uint8_t *bytes, size_t len, char *hex)
{
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned)bytes[i]);
}

int sigv4_hash(const void *bytes, size_t len, char ret_hex[SIGV4_HASH])
{
	uint8_t hash[HASH];
	if (!SHA256(bytes, len, hash))
		return -EIO;
	show_hex(hash, sizeof(hash), ret_hex);
	return 0;
}

static int compare_pairs(const struct sigv4_pair *a, const struct sigv4_pair *b, bool headers)
{
	int order = headers ? strcasecmp(a->name, b->name) : strcmp(a->name, b->name);
	return order ? order : strcmp(a->value, b->value);
}

/* Insertion sort: stable, and there are few. */
static void sort_pairs(struct sigv4_pair *pairs, size_t count, bool headers)
{
	for (size_t i = 1; i < count; i++) {
		struct sigv4_pair pair = pairs[i];
		size_t j = i;
		for (; j && compare_pairs(&pairs[j - 1], &pair, headers) > 0; j--)
			pairs[j] = pairs[j - 1];
		pairs[j] = pair;
	}
}

void sigv4_query(struct str *to, const struct sigv4_pair *query, size_t count)
{
	struct sigv4_pair sorted[SIGV4_PAIRS_MAX];
	if (count > SIGV4_PAIRS_MAX)
		count = SIGV4_PAIRS_MAX;
	for (size_t i = 0; i < count; i++)
		sorted[i] = query[i];
	sort_pairs(sorted, count, false);
	for (size_t i = 0; i < count; i++) {
		if (i)
			str_add(to, "&");
		sigv4_encode(to, sorted[i].name, false);
		str_add(to, "=");
		sigv4_encode(to, sorted[i].value, false);
	}
}

static void add_lower(struct str *to, const char *text)
{
	for (; *text; text++) {
		char c = (char)tolower((unsigned char)*text);
		str_add_bytes(to, &c, 1);
	}
}

/* Runs of blanks count as one; those at the ends do not count. */
static void add_trimmed(struct str *to, const char *text)
{
	bool blank = false;
	while (*text == ' ')
		text++;
	for (; *text; text++) {
		if (*text == ' ') {
			blank = true;
			continue;
		}
		if (blank)
			str_add(to, " ");
		blank = false;
		str_add_bytes(to, text, 1);
	}
}

static void add_signed_names(
	struct str *to, const struct sigv4_pair *sorted, const struct sigv4_request *request)
{
	for (size_t i = 0; i < request->header_count; i++) {
		if (i)
			str_add(to, ";");
		add_lower(to, sorted[i].name);
	}
}

static void add_canonical(
	struct str *to, const struct sigv4_request *request, const struct sigv4_pair *sorted)
{
	str_addf(to, "%s\n%s\n", request->method, request->path);
	sigv4_query(to, request->query, request->query_count);
	str_add(to, "\n");
	for (size_t i = 0; i < request->header_count; i++) {
		add_lower(to, sorted[i].name);
		str_add(to, ":");
		add_trimmed(to, sorted[i].value);
		str_add(to, "\n");
	}
	str_add(to, "\n");
	add_signed_names(to, sorted, request);
	str_addf(to, "\n%s", request->payload_hash);
}

static int hmac(const uint8_t *key, size_t key_len, const char *text, uint8_t ret_mac[HASH])
{
	unsigned len = 0;
	return HMAC(EVP_sha256(), key, (int)key_len, (const uint8_t *)text, strlen(text), ret_mac,
		       &len) &&
			len == HASH
		? 0
		: -EIO;
}

/* The key of a day, a region and a service. */
static int signing_key(const struct sigv4_key *key, const char *date, uint8_t ret_key[HASH])
{
	OWN(str_done) struct str first = {0};
	str_addf(&first, "AWS4%s", key->secret_key);
	if (str_error(&first))
		return -ENOMEM;
	int err = hmac((const uint8_t *)first.at, first.len, date, ret_key);
	explicit_bzero(first.at, first.len);
	if (!err)
		err = hmac(ret_key, HASH, key->region, ret_key);
	if (!err)
		err = hmac(ret_key, HASH, key->service, ret_key);
	return err ? err : hmac(ret_key, HASH, "aws4_request", ret_key);
}

int sigv4_authorize(
	const struct sigv4_request *request, const struct sigv4_key *key, struct str *ret_value)
{
	OWN(str_done) struct str text = {0};
	OWN(str_done) struct str scope = {0};
	struct sigv4_pair sorted[SIGV4_PAIRS_MAX];
	char hash[SIGV4_HASH], signature[SIGV4_HASH], date[DATE + 1];
	uint8_t signing[HASH], mac[HASH];
	if (request->header_count > SIGV4_PAIRS_MAX || request->query_count > SIGV4_PAIRS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < request->header_count; i++)
		sorted[i] = request->headers[i];
	sort_pairs(sorted, request->header_count, true);
	snprintf(date, sizeof(date), "%.*s", DATE, request->time);
	str_addf(&scope, "%s/%s/%s/aws4_request", date, key->region, key->service);
	add_canonical(&text, request, sorted);
	if (str_error(&text) || str_error(&scope))
		return -ENOMEM;
	int err = sigv4_hash(text.at, text.len, hash);
	str_clear(&text);
	str_addf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", request->time, scope.at, hash);
	if (!err)
		err = str_error(&text);
	if (!err)
		err = signing_key(key, date, signing);
	if (!err)
		err = hmac(signing, sizeof(signing), text.at, mac);
	explicit_bzero(signing, sizeof(signing));
	if (err)
		return err;
	show_hex(mac, sizeof(mac), signature);
	str_addf(ret_value, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=", key->access_key,
		scope.at);
	add_signed_names(ret_value, sorted, request);
	str_addf(ret_value, ", Signature=%s", signature);
	return str_error(ret_value);
}
