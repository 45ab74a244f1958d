/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown reads back the same, and every text that is refused says what to write instead. */
#include "base/units.h"

#include <errno.h>

#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"

/* Values of every magnitude, and neighbours of round ones. */
static uint64_t any_value(struct rng *rng)
{
	static const uint64_t round[] = {
		1, 1000, 1024, 60, 3600, 86400, 604800, 1000000, 1048576, 1000000000, 1073741824};
	uint64_t value = rng_u64(rng) >> rng_below(rng, 64);
	if (rng_chance(rng, 500000))
		value = value / 1000 * round[rng_below(rng, 11)] + rng_below(rng, 3) - 1;
	return value;
}

TEST(durations_read_back_as_shown)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 100000; i++) {
		int64_t ns = (int64_t)(any_value(&rng) & INT64_MAX), again = -1;
		char text[UNITS_TEXT];
		struct why why = {""};
		CHECK(units_show_duration(ns, text) == text);
		CHECK_EQ(units_duration(text, &again, &why), 0);
		CHECK_EQ(again, ns);
	}
}

TEST(sizes_read_back_as_shown)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 100000; i++) {
		uint64_t bytes = any_value(&rng), again = 0;
		char text[UNITS_TEXT];
		struct why why = {""};
		CHECK(units_show_size(bytes, text) == text);
		CHECK_EQ(units_size(text, &again, &why), 0);
		CHECK_EQ(again, bytes);
	}
}

static const struct {
	int64_t ns;
	const char *text;
} durations[] = {
	{0, "0s"},
	{1, "1ns"},
	{250 * NS_PER_MS, "250ms"},
	{15 * NS_PER_MIN, "15m"},
	{90 * NS_PER_MIN, "1h30m"},
	{7 * NS_PER_DAY, "1w"},
	{25 * NS_PER_HOUR + 1, "1d1h1ns"},
	{INT64_MAX, "15250w1d23h47m16s854ms775us807ns"},
};

TEST(durations_as_people_write_them)
{
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		char text[UNITS_TEXT];
		int64_t ns = -1;
		CHECK_STR(units_show_duration(durations[i].ns, text), durations[i].text);
		CHECK_EQ(units_duration(durations[i].text, &ns, NULL), 0);
		CHECK_EQ(ns, durations[i].ns);
	}
}

TEST(durations_below_zero_are_only_shown)
{
	char text[UNITS_TEXT];
	CHECK_STR(units_show_duration(-90 * NS_PER_SEC, text), "-1m30s");
	CHECK_STR(units_show_duration(INT64_MIN, text), "-15250w1d23h47m16s854ms775us808ns");
}

static const struct {
	uint64_t bytes;
	const char *text;
} sizes[] = {
	{0, "0B"},
	{1, "1B"},
	{1000, "1kB"},
	{1024, "1KiB"},
	{1024000, "1000KiB"},
	{UINT64_C(64) << 20, "64MiB"},
	{UINT64_C(10000000000), "10GB"},
	{UINT64_C(3) << 40, "3TiB"},
	{UINT64_C(7000000000000), "7TB"},
	{UINT64_C(16383) << 50, "16383PiB"},
	{UINT64_C(18446000000000000000), "18446PB"},
	{UINT64_MAX, "18446744073709551615B"},
};

TEST(sizes_as_people_write_them)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char text[UNITS_TEXT];
		uint64_t bytes = 7;
		CHECK_STR(units_show_size(sizes[i].bytes, text), sizes[i].text);
		CHECK_EQ(units_size(sizes[i].text, &bytes, NULL), 0);
		CHECK_EQ(bytes, sizes[i].bytes);
	}
}

TEST(moments)
{
	static const struct {
		int64_t ns;
		const char *text;
	} moments[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{-NS_PER_SEC, "1969-12-31T23:59:59.000Z"},
		{1700000000123456789, "2023-11-14T22:13:20.123Z"},
		{INT64_C(951782400) * NS_PER_SEC, "2000-02-29T00:00:00.000Z"},
		{INT64_MAX, "2262-04-11T23:47:16.854Z"},
		{INT64_MIN, "1677-09-21T00:12:43.145Z"},
	};
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		char text[UNITS_TEXT];
		CHECK_STR(units_show_time(moments[i].ns, text), moments[i].text);
	}
}

TEST(a_moment_is_all_the_time_that_it_may_mean)
{
	static const struct {
		const char *text, *first, *last;
	} good[] = {
		{"2026-11-21", "2026-11-21T00:00:00.000Z", "2026-11-21T23:59:59.999Z"},
		{"2024-02-29T07", "2024-02-29T07:00:00.000Z", "2024-02-29T07:59:59.999Z"},
		{"2026-11-21T02:10Z", "2026-11-21T02:10:00.000Z", "2026-11-21T02:10:59.999Z"},
		{"2026-11-21T02:10:05", "2026-11-21T02:10:05.000Z", "2026-11-21T02:10:05.999Z"},
		{"1969-12-31T23:59:59.998Z", "1969-12-31T23:59:59.998Z",
			"1969-12-31T23:59:59.998Z"},
	};
	static const char *const bad[] = {"", "2026", "2026-11", "2026-13-01", "2026-02-29",
		"2026-11-00", "2026-11-21 02:10", "2026-11-21T2", "2026-11-21T24:00", "yesterday",
		"2026-11-21Z1", "9999-12-31"};
	int64_t first, last;
	char text[UNITS_TEXT];
	struct why why;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK_EQ(units_time(good[i].text, &first, &last, &why), 0);
		CHECK_STR(units_show_time(first, text), good[i].first);
		CHECK_STR(units_show_time(last, text), good[i].last);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(units_time(bad[i], &first, &last, &why), -EINVAL);
	CHECK_STR(why.text,
		"'9999-12-31' is not a moment: write it in UTC like 2026-11-21, 2026-11-21T02:10 "
		"or 2026-11-21T02:10:05Z");
}

struct refusal {
	const char *text;
	int err;
	const char *why;
};

static const struct refusal no_durations[] = {
	{"", -EINVAL, "'' is not a duration: write a number and a unit, like 15m or 1h30m"},
	{"soon", -EINVAL, "'soon' is not a duration: write a number and a unit, like 15m or 1h30m"},
	{"-5s", -EINVAL, "'-5s' is not a duration: write a number and a unit, like 15m or 1h30m"},
	{" 5s", -EINVAL, "' 5s' is not a duration: write a number and a unit, like 15m or 1h30m"},
	{"1hm", -EINVAL, "duration '1hm': units are w d h m s ms us ns, larger before smaller"},
	{"15", -EINVAL, "duration '15' lacks a unit: write 15s, 15m or 15h"},
	{"1h30", -EINVAL, "duration '1h30' ends without a unit: write like 1h30m"},
	{"1.5h", -EINVAL, "duration '1.5h': write whole numbers, like 1h30m"},
	{"5S", -EINVAL, "duration '5S': units are w d h m s ms us ns, larger before smaller"},
	{"5 s", -EINVAL, "duration '5 s': units are w d h m s ms us ns, larger before smaller"},
	{"5s ", -EINVAL, "'5s ' is not a duration: write a number and a unit, like 15m or 1h30m"},
	{"5min", -EINVAL, "duration '5min': units are w d h m s ms us ns, larger before smaller"},
	{"5m1h", -EINVAL, "duration '5m1h': units are w d h m s ms us ns, larger before smaller"},
	{"5m5m", -EINVAL, "duration '5m5m': units are w d h m s ms us ns, larger before smaller"},
	{"9223372036854775808ns", -ERANGE, "duration '9223372036854775808ns' is too long"},
	{"18446744073709551616", -ERANGE, "duration '18446744073709551616' is too long"},
	{"15251w", -ERANGE, "duration '15251w' is too long"},
	{"15250w2d", -ERANGE, "duration '15250w2d' is too long"},
	{"30501w18446744073709551615ns", -ERANGE,
		"duration '30501w18446744073709551615ns' is too long"},
};

static const struct refusal no_sizes[] = {
	{"", -EINVAL, "'' is not a size: write a whole number and a unit, like 64MiB"},
	{"big", -EINVAL, "'big' is not a size: write a whole number and a unit, like 64MiB"},
	{"-1B", -EINVAL, "'-1B' is not a size: write a whole number and a unit, like 64MiB"},
	{"64", -EINVAL, "size '64' lacks a unit: write 64MiB or 64B"},
	{"64M", -EINVAL,
		"size '64M': units are B, kB MB GB TB PB (1000) and KiB MiB GiB TiB PiB (1024)"},
	{"64MiB ", -EINVAL,
		"size '64MiB ': units are B, kB MB GB TB PB (1000) and KiB MiB GiB TiB PiB (1024)"},
	{"1GiB5MiB", -EINVAL,
		"size '1GiB5MiB': units are B, kB MB GB TB PB (1000) and KiB MiB GiB TiB PiB "
		"(1024)"},
	{"1.5GiB", -EINVAL, "size '1.5GiB': write a whole number, in a smaller unit"},
	{"18446744073709551616B", -ERANGE, "size '18446744073709551616B' is too large"},
	{"16384PiB", -ERANGE, "size '16384PiB' is too large"},
};

TEST(refused_durations_say_what_to_write)
{
	for (size_t i = 0; i < sizeof(no_durations) / sizeof(no_durations[0]); i++) {
		int64_t ns = 77;
		struct why why = {""};
		CHECK_EQ(units_duration(no_durations[i].text, &ns, &why), no_durations[i].err);
		CHECK_STR(why.text, no_durations[i].why);
		CHECK_EQ(ns, 77);
	}
}

TEST(refused_sizes_say_what_to_write)
{
	for (size_t i = 0; i < sizeof(no_sizes) / sizeof(no_sizes[0]); i++) {
		uint64_t bytes = 77;
		struct why why = {""};
		CHECK_EQ(units_size(no_sizes[i].text, &bytes, &why), no_sizes[i].err);
		CHECK_STR(why.text, no_sizes[i].why);
		CHECK_EQ(bytes, 77);
	}
}

TEST_MAIN
