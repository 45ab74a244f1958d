/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bits in bytes, the lowest first: what the coders of columns write and read. Neither goes beyond
 * its bytes: a writer that is full and a reader that is empty say so at the end, and what was read
 * beyond the end is zeros.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_SERIES_BITSTREAM_H
#define EBB_SERIES_BITSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct bit_writer {
	uint8_t *bytes;
	size_t cap;
	size_t len; /* whole bytes written */
	uint64_t held;
	unsigned held_bits; /* below 8 between calls */
	bool full;
};

struct bit_reader {
	const uint8_t *bytes;
	size_t len;
	size_t at; /* bytes taken into `held` */
	uint64_t held;
	unsigned held_bits;
	unsigned invented; /* bits taken that were not there */
};

static inline void bits_spill(struct bit_writer *writer)
{
	while (writer->held_bits >= 8) {
		if (writer->len == writer->cap) {
			writer->full = true;
			writer->held_bits = 0;
			return;
		}
		writer->bytes[writer->len++] = (uint8_t)writer->held;
		writer->held >>= 8;
		writer->held_bits -= 8;
	}
}

/* At most 56 bits; `value` has no others set. */
static inline void bits_put(struct bit_writer *writer, uint64_t value, unsigned count)
{
	writer->held |= value << writer->held_bits;
	writer->held_bits += count;
	bits_spill(writer);
}

static inline void bits_put_64(struct bit_writer *writer, uint64_t value)
{
	bits_put(writer, value & 0xffffffff, 32);
	bits_put(writer, value >> 32, 32);
}

/* Fills the last byte with zeros; the length in bytes, or 0 when it did not fit. */
static inline size_t bits_end(struct bit_writer *writer)
{
	if (writer->held_bits)
		bits_put(writer, 0, 8 - writer->held_bits);
	return writer->full ? 0 : writer->len;
}

/* Makes at least 56 bits ready. */
static inline void bits_fill(struct bit_reader *reader)
{
	if (reader->at + 8 <= reader->len) {
		reader->held |= get_le64(reader->bytes + reader->at) << reader->held_bits;
		unsigned taken = (63 - reader->held_bits) / 8;
		reader->at += taken;
		reader->held_bits += taken * 8;
		return;
	}
	while (reader->held_bits <= 56) {
		if (reader->at < reader->len)
			reader->held |= (uint64_t)reader->bytes[reader->at++] << reader->held_bits;
		else
			reader->invented += 8;
		reader->held_bits += 8;
	}
}

/* Of the bits made ready by bits_fill(). */
static inline uint64_t bits_take(struct bit_reader *reader, unsigned count)
{
	uint64_t value = reader->held & ((UINT64_C(1) << count) - 1);
	reader->held >>= count;
	reader->held_bits -= count;
	return value;
}

/* At most 56 bits. */
static inline uint64_t bits_read(struct bit_reader *reader, unsigned count)
{
	if (reader->held_bits < count)
		bits_fill(reader);
	return bits_take(reader, count);
}

static inline uint64_t bits_read_64(struct bit_reader *reader)
{
	uint64_t low = bits_read(reader, 32);
	return low | bits_read(reader, 32) << 32;
}

/* Whether all that was read was there, and nothing but the zeros that fill the last byte is left.
 */
static inline bool bits_done(const struct bit_reader *reader)
{
	unsigned left = reader->held_bits;
	if (reader->invented > left)
		return false;
	left -= reader->invented;
	return reader->at == reader->len && left < 8 && reader->held == 0;
}

#endif
