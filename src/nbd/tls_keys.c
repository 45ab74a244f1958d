/* SPDX-License-Identifier: Apache-2.0 */
/* The file of shared keys, read strictly, and looked into. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/own.h"
#include "base/why.h"
#include "nbd/tls_keys.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *at, size_t len, struct tls_key *key)
{
	if (len % 2 || len < 2 * PSK_MIN || len > 2 * PSK_MAX)
		return false;
	for (size_t i = 0; i < len / 2; i++) {
		int high = digit(at[2 * i]), low = digit(at[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		key->bytes[i] = (uint8_t)(high << 4 | low);
	}
	key->len = (uint8_t)(len / 2);
	return true;
}

/* What is wrong with the line, which is never quoted: it holds a secret. NULL: nothing. */
static const char *read_line(const char *at, size_t len, struct tls_key *key)
{
	const char *colon = memchr(at, ':', len);
	if (!colon || colon == at)
		return "a line is NAME:KEY";
	size_t name = (size_t)(colon - at);
	if (name > PSK_NAME_MAX)
		return "a name has at most 128 bytes";
	memcpy(key->name, at, name);
	key->name[name] = 0;
	if (!read_hex(colon + 1, len - name - 1, key))
		return "a key is 32 to 128 hexadecimal digits";
	return NULL;
}

static size_t lines(const char *text)
{
	size_t count = 1;
	for (; *text; text++)
		count += *text == '\n';
	return count;
}

int tls_keys_read(const char *text, struct tls_keys *ret_keys, struct why *why)
{
	OWN(tls_keys_done)
	struct tls_keys keys = {.at = calloc(lines(text), sizeof(struct tls_key))};
	if (!keys.at)
		return why_set(why, -ENOMEM, "the shared keys: no memory");
	for (size_t number = 1; *text; number++) {
		size_t line = strcspn(text, "\n"), len = line;
		if (len && text[len - 1] == '\r')
			len--;
		if (len && *text != '#') {
			const char *wrong = read_line(text, len, &keys.at[keys.count++]);
			if (wrong)
				return why_set(why, -EINVAL, "the shared keys, line %zu: %s",
					number, wrong);
		}
		text += line + (text[line] != 0);
	}
	if (!keys.count)
		return why_set(why, -EINVAL, "the shared keys: there are none");
	*ret_keys = keys;
	keys = (struct tls_keys){0};
	return 0;
}

void tls_keys_done(struct tls_keys *keys)
{
	if (keys->at)
		OPENSSL_cleanse(keys->at, keys->count * sizeof(*keys->at));
	free(keys->at);
	*keys = (struct tls_keys){0};
}

size_t tls_keys_find(const struct tls_keys *keys, const char *name, uint8_t *ret_key, size_t most)
{
	for (size_t i = 0; i < keys->count; i++) {
		const struct tls_key *key = &keys->at[i];
		if (strcmp(key->name, name) != 0)
			continue;
		if (key->len > most)
			return 0;
		memcpy(ret_key, key->bytes, key->len);
		return key->len;
	}
	return 0;
}
