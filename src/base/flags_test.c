/* SPDX-License-Identifier: Apache-2.0 */
/* What a table of options reads, and how it refuses. */
#include "base/flags.h"

#include <errno.h>

#include "base/own.h"
#include "base/str.h"
#include "base/test.h"
#include "base/why.h"

struct given {
	const char *config;
	bool check;
};

static int read_into(struct given *given, char *const *argv, struct why *why)
{
	const struct flag flags[] = {
		{"config", "FILE", "the file", &given->config, NULL},
		{"check", NULL, "only look", NULL, &given->check, 'k'},
	};
	return flags_read(flags, 2, argv, why);
}

static void refuses(char *word, const char *sentence)
{
	struct given given = {0};
	struct why why = {""};
	char *argv[] = {(char[]){"x"}, word, NULL};
	CHECK_EQ(read_into(&given, argv, &why), -EINVAL);
	CHECK_STR(why.text, sentence);
}

TEST(values_stand_behind_or_after_an_equals_sign)
{
	struct given given = {0};
	char *none[] = {(char[]){"x"}, NULL};
	CHECK_EQ(read_into(&given, none, NULL), 0);
	CHECK(!given.config && !given.check);
	char *two[] = {
		(char[]){"x"}, (char[]){"--config"}, (char[]){"--a"}, (char[]){"--check"}, NULL};
	CHECK_EQ(read_into(&given, two, NULL), 0);
	CHECK_STR(given.config, "--a");
	CHECK(given.check);
	char *last[] = {(char[]){"x"}, (char[]){"--config=a"}, (char[]){"--config=b=c"}, NULL};
	CHECK_EQ(read_into(&given, last, NULL), 0);
	CHECK_STR(given.config, "b=c");
}

TEST(letters_stand_for_some)
{
	struct given given = {0};
	char *letter[] = {(char[]){"x"}, (char[]){"-k"}, NULL};
	CHECK_EQ(read_into(&given, letter, NULL), 0);
	CHECK(given.check);
	refuses((char[]){"-kk"}, "\"-kk\" is no option");
	refuses((char[]){"-"}, "\"-\" is no option");
}

TEST(wrong_ones_are_refused_with_what_to_write)
{
	refuses((char[]){"--chek"}, "no option --chek: did you mean --check?");
	refuses((char[]){"--zzzzzzzz=1"}, "no option --zzzzzzzz");
	refuses((char[]){"--config"}, "--config needs FILE");
	refuses((char[]){"--config="}, "--config needs FILE");
	refuses((char[]){"--check=1"}, "--check takes no value");
	refuses((char[]){"check"}, "\"check\" is no option");
	refuses((char[]){"-c"}, "\"-c\" is no option");
	refuses((char[]){"--"}, "no option --");
	refuses((char[]){""}, "\"\" is no option");
}

TEST(the_help_is_aligned)
{
	OWN(str_done) struct str text = {0};
	const struct flag flags[] = {
		{"config", "FILE", "the file\nor another", NULL, NULL},
		{"a-very-long-name", "VALUE", "longer than the column", NULL, NULL},
		{"check", NULL, "only look", NULL, NULL, 'c'},
	};
	flags_help(flags, 3, &text);
	CHECK_STR(str_text(&text),
		"  --config FILE             the file\n"
		"                            or another\n"
		"  --a-very-long-name VALUE  longer than the column\n"
		"  -c, --check               only look\n");
}

TEST_MAIN
