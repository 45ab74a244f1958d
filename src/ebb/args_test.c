/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser hands to the commands; what it says to mistakes stands in tests/cli_test.py. */
#include "ebb/args.h"

#include <errno.h>

#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"

#define PARSE(args, ...) \
	({ \
		const char *const words_[] = {__VA_ARGS__}; \
		args_parse(words_, sizeof(words_) / sizeof(words_[0]), args, NULL); \
	})

TEST(command_options_and_operands_are_told_apart)
{
	struct args args = {0};
	CHECK_EQ(PARSE(&args, "--state", "/s", "config", "--json", "check", "f.yaml"), 0);
	CHECK(args.command == command_find("config", "check"));
	CHECK_STR(args.values[OPTION_STATE], "/s");
	CHECK_STR(args.values[OPTION_JSON], "");
	CHECK(!args_given(&args, OPTION_CONFIG));
	CHECK_EQ(args.operand_count, 1);
	CHECK_STR(args.operands[0], "f.yaml");
}

TEST(behind_two_dashes_all_is_operand)
{
	struct args args = {0};
	CHECK_EQ(PARSE(&args, "config", "check", "--", "--json"), 0);
	CHECK(!args_given(&args, OPTION_JSON));
	CHECK_STR(args.operands[0], "--json");
	CHECK_EQ(PARSE(&args, "config", "check", "-"), 0);
	CHECK_STR(args.operands[0], "-");
}

TEST(help_wants_no_operands)
{
	struct args args = {0};
	CHECK_EQ(PARSE(&args, "-h"), 0);
	CHECK(!args.command && args.operand_count == 0);
	CHECK_EQ(PARSE(&args, "config", "--help"), 0);
	CHECK(!args.command && args.operand_count == 1);
	CHECK_STR(args.operands[0], "config");
	CHECK_EQ(PARSE(&args, "completion", "--help"), 0);
	CHECK(args.command == command_find("completion", NULL));
	CHECK_EQ(PARSE(&args, "--version"), 0);
	CHECK(args.command == command_find("version", NULL));
}

TEST(refused_words_leave_the_result_alone)
{
	struct args args, before;
	memset(&args, 0x5a, sizeof(args));
	before = args;
	CHECK_EQ(PARSE(&args, "config", "check", "a", "--state", "/s", "b"), -EINVAL);
	CHECK(memcmp(&args, &before, sizeof(args)) == 0);
}

/* What the parser and the texts take for granted of the table. */
TEST(table_of_commands_is_sound)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		CHECK(command->help && command->details && command->run &&
			command->examples[0].line);
		CHECK(command->help[0] >= 'a' && command->help[0] <= 'z');
		CHECK(command->help[strlen(command->help) - 1] != '.');
		CHECK(command->details[strlen(command->details) - 1] == '.');
		CHECK(!strpbrk(command->help, "'\"\\"));
		CHECK(command->operand.max <= OPERANDS_MAX);
		CHECK_EQ(command->operand.name != NULL, command->operand.max > 0);
		CHECK_EQ(command->operand.words != NULL, command->operand.kind == VALUE_WORD);
		CHECK(command_takes(command, OPTION_HELP));
		CHECK(command_find(command->noun, command->verb) == command);
		bool first = command_is_first(command);
		CHECK_EQ(command_of_noun(command->noun) == command, first);
		/* A noun is a command itself or has verbs, never both. */
		CHECK(first || (command->verb && command[-1].verb));
	}
	for (enum option_id id = 0; id < OPTIONS; id++) {
		CHECK(options[id].name && options[id].help && !strpbrk(options[id].help, "'\"\\"));
		CHECK_EQ(options[id].value != NULL, options[id].kind != VALUE_NONE);
	}
}

/* What may be given several times comes back in order; the first is the value by itself. */
TEST(an_option_that_may_be_repeated)
{
	static const char *const words[] = {"backup", "/x", "--exclude", "a", "--exclude=b",
		"--one-file-system", "--exclude", "c"};
	struct args args = {0};
	size_t at = 0;
	CHECK_EQ(args_parse(words, sizeof(words) / sizeof(words[0]), &args, NULL), 0);
	CHECK_STR(args.values[OPTION_EXCLUDE], "a");
	CHECK_STR(args_next(&args, OPTION_EXCLUDE, &at), "a");
	CHECK_STR(args_next(&args, OPTION_EXCLUDE, &at), "b");
	CHECK_STR(args_next(&args, OPTION_EXCLUDE, &at), "c");
	CHECK(!args_next(&args, OPTION_EXCLUDE, &at));
	at = 0;
	CHECK(!args_next(&args, OPTION_REPO, &at));
}

/* Any words end in a command whose row they keep, or in a sentence. */
TEST(any_words_are_understood_whole_or_refused)
{
	static const char *const some[] = {"status", "config", "check", "show", "run", "help", "--",
		"-", "", "--json", "--state", "--state=", "--state=/x", "--config", "/x", "-h",
		"--help", "--exit", "--version", "completion", "zsh", "--no-color", "\xff\x1b",
		"---", "--=", "-=", "--exclude", "backup"};
	struct rng rng;
	int understood = 0;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 200000; i++) {
		const char *words[8];
		size_t count = rng_below(&rng, 8);
		struct args args = {0};
		struct why why = {0};
		for (size_t j = 0; j < count; j++)
			words[j] = some[rng_below(&rng, sizeof(some) / sizeof(some[0]))];
		int err = args_parse(words, count, &args, &why);
		CHECK(err == 0 || err == -EINVAL);
		CHECK_EQ(err != 0, why.text[0] != '\0');
		if (err || !args.command)
			continue;
		understood++;
		CHECK(args.operand_count <= args.command->operand.max);
		for (enum option_id id = 0; id < OPTIONS; id++)
			CHECK(!args_given(&args, id) || command_takes(args.command, id));
	}
	CHECK(understood > 1000);
}

TEST_MAIN
