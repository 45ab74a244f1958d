/* SPDX-License-Identifier: Apache-2.0 */
/* What is a character, and which of them may stand in a line on a terminal. */
#include "base/utf8.h"

#include "base/test.h"

TEST(forms_that_are_too_long_or_too_short_are_none)
{
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = {{"a", 1}, {"\xc3\xbc", 2}, {"\xe2\x82\xac", 3}, {"\xf0\x9f\x8c\x8a", 4},
		{"\xf4\x8f\xbf\xbf", 4}, {"\x80", 0}, {"\xc3", 0}, {"\xc0\x80", 0},
		{"\xe0\x80\x80", 0}, {"\xed\xa0\x80", 0}, {"\xf4\x90\x80\x80", 0}, {"\xff", 0},
		{"\xe2\x82", 0}, {"\xc3(", 0}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t code;
		CHECK_EQ(utf8_take(cases[i].bytes, strlen(cases[i].bytes), &code), cases[i].size);
	}
}

/* The other way round: each code point, encoded as RFC 3629 says, is read back as itself. */
TEST(every_character_is_read_as_itself)
{
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		char text[4];
		size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
		static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
		for (size_t i = 1; i < size; i++)
			text[i] = (char)(0x80 | (code >> 6 * (size - 1 - i) & 0x3f));
		text[0] = (char)(marks[size] | code >> 6 * (size - 1));
		uint32_t again = UINT32_MAX;
		bool surrogate = code >= 0xd800 && code <= 0xdfff;
		CHECK_EQ(utf8_take(text, size, &again), surrogate ? 0 : size);
		CHECK_EQ(again, surrogate ? UINT32_MAX : code);
		CHECK_EQ(utf8_take(text, size - (size > 1), &again), size == 1 ? 1 : 0);
	}
}

TEST(characters_that_move_hide_or_reorder_are_not_shown)
{
	static const uint32_t hidden[] = {0, 7, 0x1b, 0x1f, 0x7f, 0x9b, 0xad, 0x200b, 0x200f,
		0x2028, 0x202e, 0x2066, 0x2069, 0xfeff, 0xfffe, 0xffff, 0x1fffe};
	static const uint32_t shown[] = {' ', '~', 0xa0, 0xfc, 0x20ac, 0x2010, 0x4e2d, 0x1f30a};
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		CHECK(!utf8_is_shown(hidden[i]));
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		CHECK(utf8_is_shown(shown[i]));
}

TEST_MAIN
