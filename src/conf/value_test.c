/* SPDX-License-Identifier: Apache-2.0 */
/* Every type of value, its exact refusals, and that what is shown reads back. */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/test.h"
#include "base/units.h"
#include "base/utf8.h"
#include "conf/conf.h"
#include "conf/keys.h"
#include "conf/read.h"
#include "conf/value.h"

/* A schema with all types, of which the real one may use fewer. */
struct all {
	char name[8];
	char path[16];
	int word;
	int64_t duration;
	uint64_t size;
	int64_t number;
	bool yes;
};

enum { NAME, PATH, WORD, DURATION, SIZE, NUMBER, BOOL, KEYS };

static const char *const words[] = {"ebb", "flow", NULL};

static const struct conf_key keys[KEYS] = {
	{"a.name", CONF_NAME, offsetof(struct all, name), 2, 7, NULL, "one", "h"},
	{"a.path", CONF_PATH, offsetof(struct all, path), 2, 15, NULL, "/srv", "h"},
	{"a.b.word", CONF_WORD, offsetof(struct all, word), 0, 0, words, "flow", "h"},
	{"a.b.duration", CONF_DURATION, offsetof(struct all, duration), NS_PER_SEC, NS_PER_DAY,
		NULL, "90m", "h"},
	{"a.size", CONF_SIZE, offsetof(struct all, size), 4096, INT64_C(1) << 50, NULL, "64MiB",
		"h"},
	{"number", CONF_NUMBER, offsetof(struct all, number), -5, INT64_MAX, NULL, "7", "h"},
	{"yes", CONF_BOOL, offsetof(struct all, yes), 0, 0, NULL, "true", "h"},
};

static const struct conf_schema schema = {keys, KEYS};

static void check_refused(int key, const char *text, size_t len, const char *expected)
{
	struct all all, before;
	struct why why;
	memset(&all, 0x5a, sizeof(all));
	before = all;
	CHECK_EQ(conf_value_read(&keys[key], &(struct conf_text){text, len, 0}, &all, &why),
		-EINVAL);
	CHECK_STR(why.text, expected);
	CHECK(memcmp(&all, &before, sizeof(all)) == 0);
}

static void refused(int key, const char *text, const char *expected)
{
	check_refused(key, text, strlen(text), expected);
}

TEST(refusals_say_what_to_write)
{
	refused(NAME, "a", "'a' is 1 bytes long: 2 to 7 are allowed");
	refused(NAME, "abcdefgh", "'abcdefgh' is 8 bytes long: 2 to 7 are allowed");
	refused(NAME, "-ab",
		"'-ab' is not a name: letters, digits and . _ - make one, and a "
		"letter or digit begins it");
	refused(NAME, "a\x1b[m",
		"'a\\x1b[m' is not a name: letters, digits and . _ - make one, "
		"and a letter or digit begins it");
	check_refused(NAME, "a\0b", 3, "'a\\x00b' holds a NUL");
	refused(PATH, "srv", "'srv' is not an absolute path: begin it with /");
	refused(PATH, "", "'' is not an absolute path: begin it with /");
	refused(PATH, "~/x", "'~/x': ~ is not expanded, write the whole path");
	refused(PATH, "///", "'/' is the root folder: name one beneath it");
	refused(PATH, "/a\nb",
		"'/a\\x0ab' holds what no line can show: a control character, "
		"or bytes that are not UTF-8");
	refused(PATH, "/23456789abcdef0",
		"'/23456789abcdef0' is 16 bytes long: 2 to 15 are "
		"allowed");
	refused(WORD, "flwo", "'flwo' is not one of ebb, flow (did you mean flow?)");
	refused(WORD, "nothing", "'nothing' is not one of ebb, flow");
	refused(DURATION, "900", "duration '900' lacks a unit: write 900s, 900m or 900h");
	refused(DURATION, "999ms", "'999ms' is out of range: write a duration from 1s to 1d");
	refused(DURATION, "2w", "'2w' is out of range: write a duration from 1s to 1d");
	refused(DURATION, "1\x1bh",
		"duration '1\\x1bh': units are w d h m s ms us ns, larger "
		"before smaller");
	refused(SIZE, "64", "size '64' lacks a unit: write 64MiB or 64B");
	refused(SIZE, "1kB", "'1kB' is out of range: write a size from 4KiB to 1PiB");
	refused(SIZE, "16PB", "'16PB' is out of range: write a size from 4KiB to 1PiB");
	refused(NUMBER, "-6",
		"'-6' is out of range: write a whole number from -5 to 9223372036854775807");
	refused(NUMBER, "9223372036854775808",
		"'9223372036854775808' is out of range: write a whole number from -5 to "
		"9223372036854775807");
	refused(NUMBER, "12x", "'12x' is not a whole number");
	refused(NUMBER, "-", "'-' is not a whole number");
	refused(NUMBER, "1.5", "'1.5' is not a whole number");
	refused(BOOL, "yes", "'yes' is not true or false");
}

static void reads_as(int key, const char *text, const char *shown)
{
	struct all all;
	struct why why;
	OWN(str_done) struct str back = {0};
	memset(&all, 0x5a, sizeof(all));
	CHECK_EQ(
		conf_value_read(&keys[key], &(struct conf_text){text, strlen(text), 0}, &all, &why),
		0);
	conf_value_show(&keys[key], &all, &back);
	CHECK_STR(str_text(&back), shown);
}

TEST(limits_are_within_the_range)
{
	reads_as(NAME, "ab", "ab");
	reads_as(NAME, "7.a_b-c", "7.a_b-c");
	reads_as(PATH, "/a//", "/a");
	reads_as(PATH, "/23456789abcde/", "/23456789abcde");
	reads_as(WORD, "ebb", "ebb");
	reads_as(DURATION, "1s", "1s");
	reads_as(DURATION, "1h30m", "1h30m");
	reads_as(DURATION, "24h", "1d");
	reads_as(SIZE, "4096B", "4KiB");
	reads_as(SIZE, "1PiB", "1PiB");
	reads_as(NUMBER, "-5", "-5");
	reads_as(NUMBER, "9223372036854775807", "9223372036854775807");
	reads_as(BOOL, "false", "false");
	reads_as(BOOL, "true", "true");
}

static int read_text(const char *text, struct all *all, struct conf_errors *errors)
{
	struct conf_file file = {"t.yaml", text, strlen(text)};
	struct conf_origin from[KEYS];
	*errors = (struct conf_errors){0};
	return conf_read(&schema, &file, 1, all, from, errors);
}

TEST(sections_nest_as_deep_as_the_schema)
{
	struct all all;
	struct conf_errors errors;
	CHECK_EQ(read_text("a:\n  b: {word: ebb, duration: 2h}\n  size: 1MiB\nyes: 'false'\n", &all,
			 &errors),
		0);
	CHECK_EQ(all.word, 0);
	CHECK_EQ(all.duration, 2 * NS_PER_HOUR);
	CHECK_EQ(all.size, 1 << 20);
	CHECK_EQ(all.number, 7);
	CHECK(!all.yes);
	CHECK_STR(all.path, "/srv");
}

TEST(suggestions_look_beside_first_then_elsewhere)
{
	struct all all;
	struct conf_errors errors;
	CHECK_EQ(read_text("a:\n  siez: 1MiB\n  word: ebb\n  zebra: 1\n  b.word: ebb\n", &all,
			 &errors),
		-EINVAL);
	CHECK_EQ(errors.count, 4);
	CHECK_STR(errors.at[0].text, "t.yaml:2:3: a.siez: unknown key (did you mean a.size?)");
	CHECK_STR(errors.at[1].text, "t.yaml:3:3: a.word: unknown key (did you mean a.b.word?)");
	CHECK_STR(errors.at[2].text,
		"t.yaml:4:3: a.zebra: unknown key: there are name, path, b, size");
	CHECK_STR(errors.at[3].text,
		"t.yaml:5:3: a.b.word: a key and its section are written on "
		"two lines: 'b:', and beneath it 'word:'");
}

TEST(shown_text_never_moves_a_terminal)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 20000; i++) {
		char text[100], shown[CONF_SHOWN];
		size_t len = rng_below(&rng, sizeof(text)), size;
		rng_fill(&rng, text, len);
		conf_shown(text, len, shown);
		CHECK(strlen(shown) < sizeof(shown));
		for (const char *at = shown; *at; at += size) {
			uint32_t code;
			size = utf8_take(at, strlen(at), &code);
			CHECK(size && utf8_is_shown(code));
		}
	}
}

TEST(shown_text_is_cut_visibly)
{
	char shown[CONF_SHOWN];
	CHECK_STR(conf_shown("b\xc3\xbc"
			     "cher \xe2\x80\xae x",
			  13, shown),
		"b\xc3\xbc"
		"cher \\xe2\\x80\\xae x");
	CHECK_STR(conf_shown("0123456789012345678901234567890123456789012345678901234567890", 60,
			  shown),
		"012345678901234567890123456789012345678901234...");
}

TEST_MAIN
