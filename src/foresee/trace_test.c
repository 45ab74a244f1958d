/* SPDX-License-Identifier: Apache-2.0 */
/* Traces: what is read, and the sentence for each thing that is not. */
#include "foresee/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/test.h"
#include "base/vec.h"
#include "base/why.h"

static int read_text(const struct trace_options *options, const char *text, struct samples *ret,
	struct trace_facts *facts, struct why *why)
{
	OWN(own_free) char *copy = strdup(text);
	CHECK(copy);
	return trace_read(options, copy, strlen(text), ret, facts, why);
}

TEST(moments)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{"1700000000", 1700000000000},
		{"1700000000.25", 1700000000250},
		{"1700000000123", 1700000000123},
		{"1700000000123456", 1700000000123},
		{"1700000000123456789", 1700000000123},
		{"1.7e9", 1700000000000},
		{"2023-11-14T22:13:20Z", 1700000000000},
		{"2023-11-14 22:13:20", 1700000000000},
		{"2023-11-14T22:13:20.1Z", 1700000000100},
		{"2023-11-14T22:13:20.123456Z", 1700000000123},
		{"2023-11-14 23:13:20+01:00", 1700000000000},
		{"2023-11-14T20:43:20.000-0130", 1700000000000},
		{"2023-11-14", 1699920000000},
	};
	static const char *const bad[] = {"", "x", "-5", "0x10", "2023-13-01", "2023-02-30",
		"2023-11-14T22:13:20+1:00", "2023-11-14T22:13:20+99:00", "1e300", "inf", "nan",
		"2023-11-14T22:13:20.Z", "22:13:20"};
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		int64_t ms = 0;
		CHECK(trace_moment(good[i].text, &ms));
		CHECK_EQ(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int64_t ms;
		CHECK(!trace_moment(bad[i], &ms));
	}
}

TEST(columns_gaps_and_order)
{
	struct samples samples = {0};
	struct trace_facts facts;
	struct why why = {""};
	struct trace_options options = {.name = "f", .value = "b"};
	const char *text = "\xef\xbb\xbf\"a\",time,b\r\n1,1700000060,5\r\n\r\n\"x,\"\"y\"\"\nz\","
			   "1700000000,4.5\r\n1,1700000120,NaN\r\n1,1700000180,";
	CHECK_EQ(read_text(&options, text, &samples, &facts, &why), 0);
	CHECK_EQ(facts.rows, 4u);
	CHECK_EQ(facts.gaps, 2u);
	CHECK_EQ(samples.len, 2u);
	CHECK(samples.len == 2 && samples.at[0].ms == 1700000000000 && samples.at[0].value > 4.4 &&
		samples.at[1].value > 4.9);
	vec_done(&samples);
	options = (struct trace_options){.name = "f", .time = "2", .value = "1"};
	CHECK_EQ(read_text(&options, "7,1700000000\n8,1700000001\n", &samples, &facts, &why), 0);
	CHECK(samples.len == 2 && samples.at[1].value > 7.9);
	vec_done(&samples);
}

TEST(what_is_wrong_is_told_by_file_line_and_field)
{
	static const struct {
		const char *text, *value, *said;
	} bad[] = {
		{"", NULL, "f: nothing in it"},
		{"time,value\n1700000000,5\n1700000001,x\n", NULL, "f:3:2: 'x' is no number"},
		{"time,value\n1700000000,0x5\n", NULL, "f:2:2: '0x5' is no number"},
		{"time,value\n1700000000,inf\n", NULL, "f:2:2: 'inf' is beyond what can be"},
		{"time,value\nyesterday,5\n", NULL,
			"f:2:1: 'yesterday' is no moment: seconds since 1970, or "
			"2026-11-21T02:10:05Z"},
		{"time,value\n1700000000\n", NULL, "f:2:2: 1 fields, where the first row has 2"},
		{"time,value\n1700000000,\"5\n", NULL, "f:2:2: a quote is opened and never closed"},
		{"time,value\n1700000000,\"5\"6\n", NULL,
			"f:2:2: something stands behind the closing quote"},
		{"time,value\n1700000000,5\"6\n", NULL,
			"f:2:2: a quote within a field: quote the whole field, and double it"},
		{"time,a,b\n1700000000,5,6\n", NULL,
			"f:1:1: 3 columns: say by --value which one, by its name or number"},
		{"time,a,b\n1700000000,5,6\n", "c", "f:1:1: no column 'c', which --value names"},
		{"time,a\n1700000000,5\n", "time", "f:1:1: one column cannot be time and value"},
		{"time,a\n1700000000,5\n1700000001,5\n1700000000,6\n", NULL,
			"f:4:1: the moment of line 2 again"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct samples samples = {0};
		struct trace_facts facts;
		struct why why = {""};
		const struct trace_options options = {.name = "f", .value = bad[i].value};
		CHECK_EQ(read_text(&options, bad[i].text, &samples, &facts, &why), -EINVAL);
		CHECK_STR(why.text, bad[i].said);
		vec_done(&samples);
	}
}

TEST_MAIN
