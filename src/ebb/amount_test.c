/* SPDX-License-Identifier: Apache-2.0 */
/* Where units and numbers turn over. */
#include "ebb/amount.h"

#include "base/test.h"

TEST(bytes_in_the_unit_that_fits)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{0, "0 bytes"},
		{1, "1 byte"},
		{1023, "1023 bytes"},
		{1024, "1.0 KiB"},
		{20480, "20.0 KiB"},
		{102348, "99.9 KiB"},
		{102349, "100 KiB"},
		{1023 << 10, "1023 KiB"},
		{(1 << 20) - 1, "1.0 MiB"},
		{1 << 20, "1.0 MiB"},
		{(UINT64_C(5) << 40) + (UINT64_C(1) << 39), "5.5 TiB"},
		{UINT64_MAX, "16.0 EiB"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_STR(BYTES(rows[i].bytes), rows[i].text);
}

TEST(words_agree_with_their_number)
{
	CHECK_STR(COUNT(0, "entry", "entries"), "0 entries");
	CHECK_STR(COUNT(1, "entry", "entries"), "1 entry");
	CHECK_STR(COUNT(2, "entry is", "entries are"), "2 entries are");
	CHECK_STR(COUNT(UINT64_MAX, "x", "xs"), "18446744073709551615 xs");
}

TEST_MAIN
