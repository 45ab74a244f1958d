/* SPDX-License-Identifier: Apache-2.0 */
/* Lines as a person, the journal and a logfmt reader get them. */
#include "base/log.h"

#include "base/own.h"
#include "base/scarce.h"
#include "base/str.h"
#include "base/test.h"
#include "base/units.h"

struct sink {
	struct str text;
	int64_t now;
	int lines;
};

static int64_t now(void *arg)
{
	struct sink *sink = arg;
	return sink->now;
}

static void put(void *arg, const char *line, size_t len)
{
	struct sink *sink = arg;
	str_add_bytes(&sink->text, line, len);
	sink->lines++;
}

static struct log log_to(struct sink *sink)
{
	return (struct log){.level = LOG_DEBUG, .wall_ns = now, .put = put, .arg = sink};
}

static void sink_done(struct sink *sink)
{
	str_done(&sink->text);
}

TEST(a_line_for_people)
{
	OWN(sink_done) struct sink sink = {.now = 1700000000 * NS_PER_SEC + 42 * NS_PER_MS};
	struct log log = log_to(&sink);
	log_say(&log, LOG_WARN, "config refused", LOG_TEXT("file", "/etc/ebb.yaml"),
		LOG_NUM("line", -3));
	CHECK_STR(str_text(&sink.text),
		"ts=2023-11-14T22:13:20.042Z level=warn event=\"config refused\" "
		"file=/etc/ebb.yaml line=-3\n");
}

TEST(a_line_for_the_journal)
{
	static const char *const expected[] = {
		"<3>event=e\n", "<4>event=e\n", "<6>event=e\n", "<7>event=e\n"};
	for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
		OWN(sink_done) struct sink sink = {0};
		struct log log = log_to(&sink);
		log.journal = true;
		log.wall_ns = NULL; /* the journal has its own clock */
		log_say(&log, (enum log_level)level, "e");
		CHECK_STR(str_text(&sink.text), expected[level]);
	}
}

TEST(levels_above_the_limit_are_not_made)
{
	for (int limit = LOG_ERROR; limit <= LOG_DEBUG; limit++) {
		OWN(sink_done) struct sink sink = {0};
		struct log log = log_to(&sink);
		log.level = (enum log_level)limit;
		for (int level = LOG_ERROR; level <= LOG_DEBUG; level++)
			log_say(&log, (enum log_level)level, log_level_names[level]);
		CHECK_EQ(sink.lines, limit + 1);
	}
}

/* One value after the other: what is given, what the line then holds. */
static const char *const values[][2] = {
	{"plain", "plain"},
	{"", "\"\""},
	{"two words", "\"two words\""},
	{"a=b", "\"a=b\""},
	{"say \"hi\"", "\"say \\\"hi\\\"\""},
	{"back\\slash", "\"back\\\\slash\""},
	{"two\nlines", "\"two\\nlines\""},
	{"\x1b[31mred", "\"\\x1b[31mred\""},
	{"tab\there\x7f", "\"tab\\x09here\\x7f\""},
	{"Z\xc3\xbcrich", "Z\xc3\xbcrich"},
	{"\xf0\x9f\x8c\x8a", "\xf0\x9f\x8c\x8a"},
	{"Z\xc3\xbcrich See", "\"Z\xc3\xbcrich See\""},
	/* A terminal takes U+009B for the start of a command just as it takes ESC [. */
	{"\xc2\x9b"
	 "31m",
		"\"\\xc2\\x9b31m\""},
	/* U+202E turns the rest of the line around. */
	{"a\xe2\x80\xae", "\"a\\xe2\\x80\\xae\""},
	/* Bytes that are no UTF-8: alone, too short, too long for their number. */
	{"\x9b", "\"\\x9b\""},
	{"\xc3", "\"\\xc3\""},
	{"\xe2\x82x", "\"\\xe2\\x82x\""},
	{"\xc0\xaf", "\"\\xc0\\xaf\""},
};

TEST(values_stay_in_their_place)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		OWN(sink_done) struct sink sink = {0};
		OWN(str_done) struct str expected = {0};
		struct log log = log_to(&sink);
		log.journal = true;
		log_say(&log, LOG_INFO, values[i][0], LOG_TEXT("k", values[i][0]));
		str_addf(&expected, "<6>event=%s k=%s\n", values[i][1], values[i][1]);
		CHECK_STR(str_text(&sink.text), str_text(&expected));
	}
}

TEST(without_memory_there_is_no_half_line)
{
	struct sink sink = {0};
	struct log log = log_to(&sink);
	for (uint64_t nth = 1; nth <= 2; nth++) {
		scarce_arm(nth, true);
		log_say(&log, LOG_INFO,
			"a rather long event, so that its line outgrows its memory");
		scarce_arm(0, false);
	}
	CHECK_EQ(sink.lines, 0);
}

TEST_MAIN
