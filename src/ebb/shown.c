/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping, one character of UTF-8 or one wrong byte at a time. */
#include "ebb/shown.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "base/utf8.h"

void shown_add(struct str *out, const char *bytes, size_t len)
{
	for (size_t at = 0, size; at < len; at += size) {
		uint32_t code;
		size = utf8_take(bytes + at, len - at, &code);
		if (size && code == '\\') {
			str_add(out, "\\\\");
		} else if (size && utf8_is_shown(code)) {
			str_add_bytes(out, bytes + at, size);
		} else {
			size += !size;
			for (size_t i = 0; i < size; i++)
				str_addf(out, "\\x%02x", (unsigned)(unsigned char)bytes[at + i]);
		}
	}
}

static bool is_text(const char *bytes, size_t len)
{
	uint32_t code;
	for (size_t at = 0, size; at < len; at += size) {
		size = utf8_take(bytes + at, len - at, &code);
		if (!size || !code)
			return false;
	}
	return true;
}

void shown_set(json_t *document, const char *key, const char *bytes, size_t len)
{
	OWN(str_done) struct str text = {0};
	char hex_key[64];
	if (is_text(bytes, len)) {
		json_object_set_new(document, key, json_stringn(bytes, len));
		return;
	}
	shown_add(&text, bytes, len);
	json_object_set_new(document, key, json_string(str_text(&text)));
	str_clear(&text);
	for (size_t i = 0; i < len; i++)
		str_addf(&text, "%02x", (unsigned)(unsigned char)bytes[i]);
	snprintf(hex_key, sizeof(hex_key), "%s_hex", key);
	json_object_set_new(document, hex_key, json_string(str_text(&text)));
}
