/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing the fields of a structure one after the other, with one check at the end.
 *
 * A reader that runs past its bytes, and a writer that runs out of memory, remember it; later calls
 * do nothing and give zeros.
 *
 * One thread for each struct.
 */
#ifndef EBB_REPO_FIELDS_H
#define EBB_REPO_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fields_in {
	const uint8_t *at, *end;
	bool bad;
};

struct fields_out {
	uint8_t *at;
	size_t len, cap;
	bool failed;
};

uint8_t in_u8(struct fields_in *in);
uint16_t in_u16(struct fields_in *in);
uint32_t in_u32(struct fields_in *in);
uint64_t in_u64(struct fields_in *in);

/* Copies `len` bytes, or zeros when there are not so many. */
void in_bytes(struct fields_in *in, void *ret_bytes, size_t len);

/* u16 length and text without NUL, into a buffer of `cap`; what does not fit is bad. */
void in_text(struct fields_in *in, char *ret_text, size_t cap);

/* A borrowed piece of the input, NULL when there are not so many bytes. */
const uint8_t *in_piece(struct fields_in *in, size_t len);

/* Whether `count` things of `size` bytes can still follow: asked before memory is taken. */
bool in_has(struct fields_in *in, size_t count, size_t size);

/* All was there and nothing is left. */
bool in_done(const struct fields_in *in);

void out_u8(struct fields_out *out, uint8_t value);
void out_u16(struct fields_out *out, uint16_t value);
void out_u32(struct fields_out *out, uint32_t value);
void out_u64(struct fields_out *out, uint64_t value);
void out_bytes(struct fields_out *out, const void *bytes, size_t len);
void out_text(struct fields_out *out, const char *text);
void out_done(struct fields_out *out);

#endif
