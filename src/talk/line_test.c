/* SPDX-License-Identifier: Apache-2.0 */
/* Every list of words survives the line; every refusal says what to write instead. */
#include "talk/line.h"

#include <errno.h>
#include <stdio.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/test.h"
#include "base/why.h"

static int parse(const char *text, struct talk_words *ret_words, struct why *why)
{
	static char line[TALK_LINE_MAX + 1];
	size_t len = strlen(text);
	memcpy(line, text, len);
	line[len] = '\n';
	return talk_line_parse(line, len, ret_words, why);
}

static void refuses(const char *text, const char *sentence)
{
	struct talk_words words;
	struct why why = {""};
	CHECK_EQ(parse(text, &words, &why), -EINVAL);
	CHECK_STR(why.text, sentence);
}

TEST(words_are_split_at_single_spaces)
{
	struct talk_words words;
	CHECK_EQ(parse("why vol/db  caf\xc3\xa9", &words, NULL), 0);
	CHECK_EQ(words.count, 4);
	CHECK_STR(words.at[0], "why");
	CHECK_STR(words.at[1], "vol/db");
	CHECK_STR(words.at[2], "");
	CHECK_STR(words.at[3], "caf\xc3\xa9");
}

TEST(coded_bytes_are_decoded)
{
	struct talk_words words;
	CHECK_EQ(parse("a%20b%0a%25%7f %2f", &words, NULL), 0);
	CHECK_EQ(words.count, 2);
	CHECK_STR(words.at[0], "a b\n%\x7f");
	CHECK_STR(words.at[1], "/");
}

TEST(bad_lines_are_refused_with_the_place)
{
	refuses("", "a request begins with a verb");
	refuses(" status", "a request begins with a verb");
	refuses("ab%", "byte 3: '%' needs two hexadecimal digits behind it");
	refuses("ab%4", "byte 3: '%' needs two hexadecimal digits behind it");
	refuses("%4g", "byte 1: '%' needs two hexadecimal digits behind it");
	refuses("a%00", "byte 2: a word cannot hold %00");
	refuses("a\tb", "byte 2: the control character is to be written %09");
	refuses("status\r", "byte 7: the control character is to be written %0D");
}

TEST(word_count_is_bounded)
{
	OWN(str_done) struct str line = {0};
	struct talk_words words;
	struct why why = {""};
	str_add(&line, "v");
	for (int i = 1; i < TALK_WORDS_MAX; i++)
		str_add(&line, " ");
	CHECK_EQ(parse(line.at, &words, &why), 0);
	CHECK_EQ(words.count, TALK_WORDS_MAX);
	str_add(&line, " ");
	CHECK_EQ(parse(line.at, &words, &why), -E2BIG);
	CHECK_STR(why.text, "a request has at most 64 words");
}

TEST(a_line_is_made_only_within_the_limits)
{
	OWN(str_done) struct str line = {0};
	struct why why = {""};
	static char word[TALK_LINE_MAX + 1];
	const char *words[TALK_WORDS_MAX + 1];
	for (size_t i = 0; i < TALK_WORDS_MAX + 1; i++)
		words[i] = word;
	CHECK_EQ(talk_line_make(words, 0, &line, &why), -EINVAL);
	CHECK_EQ(talk_line_make(words, 1, &line, &why), -EINVAL);
	CHECK_STR(why.text, "a request begins with a verb");
	memset(word, 'x', TALK_LINE_MAX - 1);
	CHECK_EQ(talk_line_make(words, 1, &line, &why), 0);
	CHECK_EQ(line.len, TALK_LINE_MAX);
	str_clear(&line);
	word[TALK_LINE_MAX - 1] = 'x';
	CHECK_EQ(talk_line_make(words, 1, &line, &why), -E2BIG);
	CHECK_STR(why.text, "a request has at most 4096 bytes");
	CHECK_EQ(talk_line_make(words, TALK_WORDS_MAX + 1, &line, &why), -E2BIG);
	CHECK_STR(why.text, "a request has at most 64 words");
}

/* Words of any bytes but 0x00, biased towards those that need coding. */
static void draw_word(struct rng *rng, char *word, size_t max)
{
	size_t len = rng_below(rng, max);
	for (size_t i = 0; i < len; i++) {
		const char special[] = " %\n\x7f\x01";
		word[i] = rng_chance(rng, 300000) ? special[rng_below(rng, 5)]
						  : (char)(1 + rng_below(rng, 255));
	}
	word[len] = '\0';
}

TEST(any_words_survive_the_line)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 2000; round++) {
		OWN(str_done) struct str line = {0};
		char text[12][24];
		const char *given[12];
		size_t count = 1 + rng_below(&rng, 12);
		for (size_t i = 0; i < count; i++) {
			draw_word(&rng, text[i], sizeof(text[i]));
			given[i] = text[i];
		}
		if (!text[0][0])
			memcpy(text[0], "v", 2);
		CHECK_EQ(talk_line_make(given, count, &line, NULL), 0);
		CHECK_EQ(line.at[line.len - 1], '\n');
		struct talk_words words;
		CHECK_EQ(talk_line_parse(line.at, line.len - 1, &words, NULL), 0);
		CHECK_EQ(words.count, count);
		for (size_t i = 0; i < count; i++)
			CHECK_STR(words.at[i], given[i]);
	}
}

TEST_MAIN
