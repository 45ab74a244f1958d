/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, memory that does not, and the word that was probably meant. */
#include "base/str.h"

#include <errno.h>
#include <stdio.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/scarce.h"
#include "base/test.h"

TEST(an_empty_text_needs_no_memory)
{
	OWN(str_done) struct str str = {0};
	CHECK_STR(str_text(&str), "");
	CHECK_EQ(str_error(&str), 0);
	CHECK(str.at == NULL);
	str_add(&str, "");
	CHECK_STR(str_text(&str), "");
}

TEST(text_grows_like_one_in_a_large_array)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 200; round++) {
		OWN(str_done) struct str str = {0};
		char model[8192] = "", piece[128];
		size_t len = 0;
		while (len < 6000) {
			uint64_t number = rng_u64(&rng) >> rng_below(&rng, 64);
			size_t n = rng_below(&rng, sizeof(piece));
			memset(piece, 'a' + (int)rng_below(&rng, 26), n);
			switch (rng_below(&rng, 3)) {
			case 0:
				str_add_bytes(&str, piece, n);
				break;
			case 1:
				n = (size_t)snprintf(piece, sizeof(piece), "<%" PRIu64 ">", number);
				str_addf(&str, "<%" PRIu64 ">", number);
				break;
			default:
				piece[n / 2] = '\0';
				n /= 2;
				str_add(&str, piece);
				break;
			}
			memcpy(model + len, piece, n);
			len += n;
			model[len] = '\0';
			CHECK_EQ(str.len, len);
			CHECK(str.cap > str.len || len == 0);
		}
		CHECK_STR(str_text(&str), model);
		CHECK_EQ(str_error(&str), 0);
	}
}

TEST(bytes_may_hold_any_value)
{
	OWN(str_done) struct str str = {0};
	str_add_bytes(&str, "a\0b", 3);
	str_add_bytes(&str, NULL, 0);
	CHECK_EQ(str.len, 3);
	CHECK(memcmp(str.at, "a\0b", 4) == 0);
}

static char *compose(struct str *str)
{
	for (int i = 0; i < 100; i++)
		str_addf(str, "line %d\n", i);
	str_add(str, "the end");
	str_add_bytes(str, "!", 1);
	return str_take(str);
}

TEST(a_failed_addition_is_remembered_to_the_end)
{
	uint64_t needed;
	struct str str = {0};
	scarce_arm(0, false);
	free(compose(&str));
	needed = scarce_count();
	CHECK(needed > 3);
	for (uint64_t nth = 1; nth <= needed; nth++) {
		scarce_arm(nth, false);
		CHECK(compose(&str) == NULL);
		CHECK(str.at == NULL && str.len == 0 && str_error(&str) == 0);
	}
	scarce_arm(0, false);
}

TEST(after_a_failure_nothing_is_added)
{
	OWN(str_done) struct str str = {0};
	str_add(&str, "kept");
	scarce_arm(1, false);
	str_addf(&str, "%200d", 1);
	str_add(&str, "x");
	str_addf(&str, "x");
	scarce_arm(0, false);
	CHECK_EQ(str_error(&str), -ENOMEM);
	CHECK_STR(str_text(&str), "kept");
	str_clear(&str);
	CHECK_EQ(str_error(&str), 0);
	CHECK_STR(str_text(&str), "");
	str_add(&str, "new");
	CHECK_STR(str_text(&str), "new");
}

TEST(a_length_that_does_not_fit_is_a_failure)
{
	OWN(str_done) struct str str = {0};
	str_add(&str, "kept");
	str_add_bytes(&str, "x", SIZE_MAX - 3);
	CHECK_EQ(str_error(&str), -ENOMEM);
	str_clear(&str);
	str_add(&str, "kept");
	str_add_bytes(&str, "x", SIZE_MAX / 2 + 2);
	CHECK_EQ(str_error(&str), -ENOMEM);
	CHECK_STR(str_text(&str), "kept");
}

TEST(taking_gives_the_text_and_leaves_nothing)
{
	struct str str = {0};
	OWN(own_free) char *empty = str_take(&str);
	CHECK_STR(empty, "");
	str_add(&str, "text");
	OWN(own_free) char *text = str_take(&str);
	CHECK_STR(text, "text");
	CHECK(str.at == NULL && str.len == 0 && str.cap == 0);
}

TEST(clearing_keeps_the_memory)
{
	OWN(str_done) struct str str = {0};
	str_addf(&str, "%1000d", 1);
	const char *at = str.at;
	str_clear(&str);
	CHECK_STR(str_text(&str), "");
	str_addf(&str, "%1000d", 2);
	CHECK(str.at == at);
}

TEST(starts)
{
	CHECK(str_starts("backup", "back"));
	CHECK(str_starts("back", "back"));
	CHECK(str_starts("back", ""));
	CHECK(!str_starts("bac", "back"));
	CHECK(!str_starts("", "b"));
}

static const char *near(const char *word)
{
	static const char *const words[] = {"retention", "interval", "tier", "pace", "s3",
		"a-key-with-a-name-of-more-than-thirty-one-letters"};
	return str_nearest(word, words, sizeof(words) / sizeof(words[0]));
}

TEST(the_word_that_was_probably_meant)
{
	CHECK_STR(near("retention"), "retention");
	CHECK_STR(near("retenton"), "retention");   /* one left out */
	CHECK_STR(near("retentiion"), "retention"); /* one too many */
	CHECK_STR(near("retemtion"), "retention");  /* one other */
	CHECK_STR(near("retnetion"), "retention");  /* two swapped */
	CHECK_STR(near("Retnetoin"), "retention");  /* three slips in a long word */
	CHECK_STR(near("teir"), "tier");
	CHECK_STR(near("pac"), "pace");
	CHECK_STR(near("s4"), "s3");
}

TEST(no_word_is_better_than_a_wild_guess)
{
	CHECK(near("replication") == NULL);
	CHECK(near("x") == NULL);
	CHECK(near("") == NULL);
	CHECK(str_nearest("tier", NULL, 0) == NULL);
	/* All letters of a short word are within reach of any other short word. */
	static const char *const k[] = {"k"};
	CHECK(str_nearest("x", k, 1) == NULL);
	CHECK(str_nearest("", k, 1) == NULL);
}

/* Words too long to be compared are near nothing, however long the other one is. */
TEST(words_of_any_length)
{
	char word[300];
	for (size_t len = 0; len < sizeof(word) - 1; len++) {
		memset(word, 'q', len);
		word[len] = '\0';
		CHECK(near(word) == NULL);
	}
}

TEST_MAIN
