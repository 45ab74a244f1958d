/* SPDX-License-Identifier: Apache-2.0 */
/* Host, then where a request comes from, then what is shown. */
#include "web/gate.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"

_Static_assert((int)GATE_DIGEST == SHA256_DIGEST_LENGTH, "the token is kept as its digest");

enum { HOST_MAX = 255 };

/* ---- names of hosts ---- */

/* "name:port" or "[::1]:port" without its port, in `ret`. False: it is no host. */
static bool host_name(const char *text, char ret[HOST_MAX + 1])
{
	size_t len = text[0] == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":");
	size_t whole = strlen(text);
	if (whole > HOST_MAX || !len || len > whole)
		return false;
	const char *port = text + len;
	if (*port && (*port != ':' || strspn(port + 1, "0123456789") != strlen(port + 1)))
		return false;
	if (strspn(text, "0123456789abcdefABCDEFghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ-.[]:") !=
		whole)
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

static bool is_word_of(const char *words, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = words; *at;) {
		size_t part = strcspn(at, " ");
		if (part == len && len && strncasecmp(at, word, len) == 0)
			return true;
		at += part + (at[part] == ' ');
	}
	return false;
}

static bool is_ours(const struct gate *gate, const char *host)
{
	char name[HOST_MAX + 1];
	return host_name(host, name) &&
		(is_word_of("localhost 127.0.0.1 [::1]", name) || is_word_of(gate->address, name) ||
			is_word_of(gate->hosts, name));
}

/* ---- where it comes from ---- */

static int judge_host(const struct gate *gate, const struct visitor *visitor, struct why *why)
{
	if (visitor->host_count != 1 || !visitor->host) {
		why_set(why, -EINVAL, "a request has one header Host");
		return 400;
	}
	if (is_ours(gate, visitor->host))
		return 0;
	why_set(why, -EPERM,
		"this is not '%.100s': a name besides localhost has to stand in "
		"http.hosts of the configuration",
		visitor->host);
	return 403;
}

/* An Origin has no path, and its host is the one that was asked. */
static bool same_origin(const struct visitor *visitor)
{
	const char *colon = strstr(visitor->origin, "://");
	size_t scheme = colon ? (size_t)(colon - visitor->origin) : 0;
	bool http = (scheme == 4 && memcmp(visitor->origin, "http", 4) == 0) ||
		(scheme == 5 && memcmp(visitor->origin, "https", 5) == 0);
	return http && visitor->host && strcasecmp(colon + 3, visitor->host) == 0;
}

static int judge_origin(const struct visitor *visitor, struct why *why)
{
	const char *site = visitor->fetch_site, *mode = visitor->fetch_mode;
	bool foreign = visitor->origin && !same_origin(visitor);
	/* A form that is sent from elsewhere is a navigation too, but has an Origin. */
	if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		foreign |= !mode || strcmp(mode, "navigate") != 0;
	if (!foreign)
		return 0;
	why_set(why, -EPERM, "a page of somebody else asks for this: open the page of ebb itself");
	return 403;
}

/* ---- what is shown ---- */

static void digest(const char *text, size_t len, uint8_t ret[GATE_DIGEST])
{
	SHA256((const unsigned char *)text, len, ret);
}

int gate_token(struct gate *gate, const char *text, size_t len, struct why *why)
{
	size_t end = 0;
	while (len && strchr(" \t\r\n", *text))
		text++, len--;
	while (end < len && text[end] > ' ' && text[end] < 0x7f)
		end++;
	for (size_t i = end; i < len; i++)
		if (!text[i] || !strchr(" \t\r\n", text[i]))
			return why_set(why, -EINVAL,
				"a token is one word of letters, digits and signs of ASCII");
	if (end < GATE_TOKEN_MIN || end > GATE_TOKEN_MAX)
		return why_set(why, -EINVAL, "a token has %d to %d letters, this one %zu",
			GATE_TOKEN_MIN, GATE_TOKEN_MAX, end);
	digest(text, end, gate->token);
	gate->has_token = true;
	return 0;
}

/* Digests are compared: neither how long the token is nor how much of it is right takes time. */
static bool is_token(const struct gate *gate, const char *text, size_t len)
{
	uint8_t shown[GATE_DIGEST];
	digest(text, len, shown);
	return gate->has_token && CRYPTO_memcmp(shown, gate->token, sizeof(shown)) == 0;
}

/* "Basic": what a browser asks its user for; any name, the token for a password. */
static bool is_basic(const struct gate *gate, const char *coded)
{
	enum { CODED_MAX = 4 * (GATE_TOKEN_MAX + 128) / 3 };
	unsigned char plain[CODED_MAX];
	size_t len = strlen(coded);
	if (!len || len % 4 || len > CODED_MAX)
		return false;
	int count = EVP_DecodeBlock(plain, (const unsigned char *)coded, (int)len);
	for (size_t i = 1; i <= 2 && count > 0 && coded[len - i] == '='; i++)
		count--;
	const unsigned char *colon = count > 0 ? memchr(plain, ':', (size_t)count) : NULL;
	bool is = colon &&
		is_token(gate, (const char *)colon + 1, (size_t)(plain + count - colon - 1));
	OPENSSL_cleanse(plain, sizeof(plain));
	return is;
}

static bool shows_token(const struct gate *gate, const char *authorization)
{
	static const char bearer[] = "Bearer ", basic[] = "Basic ";
	if (strncasecmp(authorization, bearer, strlen(bearer)) == 0) {
		const char *token = authorization + strlen(bearer);
		return is_token(gate, token, strlen(token));
	}
	return strncasecmp(authorization, basic, strlen(basic)) == 0 &&
		is_basic(gate, authorization + strlen(basic));
}

static enum role role_of(const struct gate *gate, const struct visitor *visitor)
{
	if (visitor->door == DOOR_UNIX)
		return visitor->uid == 0 || visitor->uid == gate->uid ? ROLE_ADMIN : ROLE_VIEWER;
	return visitor->door == DOOR_LOOPBACK ? gate->loopback : ROLE_NONE;
}

int gate_judge(const struct gate *gate, const struct visitor *visitor, enum role *ret_role,
	struct why *why)
{
	int status = visitor->door == DOOR_UNIX ? 0 : judge_host(gate, visitor, why);
	if (!status)
		status = judge_origin(visitor, why);
	if (status)
		return status;
	if (visitor->authorization && visitor->door != DOOR_UNIX) {
		if (!shows_token(gate, visitor->authorization)) {
			why_set(why, -EACCES, "the token is not the right one");
			return 401;
		}
		*ret_role = ROLE_ADMIN;
		return 0;
	}
	*ret_role = role_of(gate, visitor);
	return 0;
}
