/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian fields in a row. */
#include "repo/fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

const uint8_t *in_piece(struct fields_in *in, size_t len)
{
	if (in->bad || (size_t)(in->end - in->at) < len) {
		in->bad = true;
		return NULL;
	}
	const uint8_t *piece = in->at;
	in->at += len;
	return piece;
}

uint8_t in_u8(struct fields_in *in)
{
	const uint8_t *at = in_piece(in, 1);
	return at ? *at : 0;
}

uint16_t in_u16(struct fields_in *in)
{
	const uint8_t *at = in_piece(in, 2);
	return at ? get_le16(at) : 0;
}

uint32_t in_u32(struct fields_in *in)
{
	const uint8_t *at = in_piece(in, 4);
	return at ? get_le32(at) : 0;
}

uint64_t in_u64(struct fields_in *in)
{
	const uint8_t *at = in_piece(in, 8);
	return at ? get_le64(at) : 0;
}

void in_bytes(struct fields_in *in, void *ret_bytes, size_t len)
{
	const uint8_t *at = in_piece(in, len);
	if (at)
		memcpy(ret_bytes, at, len);
	else
		memset(ret_bytes, 0, len);
}

void in_text(struct fields_in *in, char *ret_text, size_t cap)
{
	size_t len = in_u16(in);
	const uint8_t *at = in_piece(in, len);
	ret_text[0] = '\0';
	if (!at)
		return;
	if (len >= cap || memchr(at, '\0', len)) {
		in->bad = true;
		return;
	}
	memcpy(ret_text, at, len);
	ret_text[len] = '\0';
}

bool in_has(struct fields_in *in, size_t count, size_t size)
{
	size_t need;
	if (!mul_fits(count, size, &need) || (size_t)(in->end - in->at) < need)
		in->bad = true;
	return !in->bad;
}

bool in_done(const struct fields_in *in)
{
	return !in->bad && in->at == in->end;
}

void out_bytes(struct fields_out *out, const void *bytes, size_t len)
{
	size_t need;
	if (out->failed || !len)
		return;
	if (!add_fits(out->len, len, &need)) {
		out->failed = true;
		return;
	}
	if (need > out->cap) {
		size_t cap = out->cap ? out->cap : 256;
		while (cap < need && mul_fits(cap, 2u, &cap))
			;
		uint8_t *at = cap < need ? NULL : realloc(out->at, cap);
		if (!at) {
			out->failed = true;
			return;
		}
		out->at = at;
		out->cap = cap;
	}
	memcpy(out->at + out->len, bytes, len);
	out->len = need;
}

void out_u8(struct fields_out *out, uint8_t value)
{
	out_bytes(out, &value, 1);
}

void out_u16(struct fields_out *out, uint16_t value)
{
	uint8_t at[2];
	put_le16(at, value);
	out_bytes(out, at, sizeof(at));
}

void out_u32(struct fields_out *out, uint32_t value)
{
	uint8_t at[4];
	put_le32(at, value);
	out_bytes(out, at, sizeof(at));
}

void out_u64(struct fields_out *out, uint64_t value)
{
	uint8_t at[8];
	put_le64(at, value);
	out_bytes(out, at, sizeof(at));
}

void out_text(struct fields_out *out, const char *text)
{
	size_t len = strlen(text);
	if (len > UINT16_MAX)
		out->failed = true;
	out_u16(out, (uint16_t)len);
	out_bytes(out, text, len);
}

void out_done(struct fields_out *out)
{
	free(out->at);
	*out = (struct fields_out){0};
}
