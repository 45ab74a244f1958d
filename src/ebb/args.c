/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two passes: sort the words into options and plain ones, then let the plain ones name a command
 * and hold the options against it. So options may come before their command.
 */
#include "ebb/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/why.h"
#include "conf/errors.h"

/* A command's own words are at most COMMAND_WORDS, and one too many is shown. */
enum { PLAIN_MAX = COMMAND_WORDS + 1 + OPERANDS_MAX };

struct parse {
	const char *const *words;
	size_t count, at;
	const char *plain[PLAIN_MAX];
	size_t plain_count; /* also those beyond PLAIN_MAX */
	struct args args;
	struct why *why;
};

/* "SENTENCE; see `ebb help COMMAND`" */
static int refuse(const struct parse *parse, const char *topic, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(const struct parse *parse, const char *topic, const char *fmt, ...)
{
	char text[300];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return why_set(
		parse->why, -EINVAL, "%s; see `ebb help%s%s`", text, *topic ? " " : "", topic);
}

/* What a person typed, as a message may repeat it. */
static const char *shown(const char *word, char text[CONF_SHOWN])
{
	return conf_shown(word, strlen(word), text);
}

/* " (did you mean WORD?)", "" when there is no such word. */
static const char *did_you_mean(const char *word, char text[COMMAND_NAME + 20])
{
	text[0] = '\0';
	if (word)
		snprintf(text, COMMAND_NAME + 20, " (did you mean %s?)", word);
	return text;
}

static int unknown_option(const struct parse *parse, const char *word)
{
	const char *names[OPTIONS];
	char text[CONF_SHOWN], name[CONF_SHOWN], hint[COMMAND_NAME + 20], dashed[COMMAND_NAME];
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 1, "="), word + 1);
	for (size_t i = 0; i < OPTIONS; i++)
		names[i] = options[i].name;
	const char *near = str_nearest(name[0] == '-' ? name + 1 : name, names, OPTIONS);
	if (near)
		snprintf(dashed, sizeof(dashed), "--%s", near);
	return refuse(parse, "", "there is no option '%s'%s", shown(word, text),
		did_you_mean(near ? dashed : NULL, hint));
}

/* The option that `word` names, with what stands behind its '='; OPTIONS when there is none. */
static enum option_id find_option(const char *word, const char **ret_value)
{
	for (enum option_id id = 0; id < OPTIONS; id++) {
		const struct option *option = &options[id];
		size_t len = strlen(option->name);
		if (option->letter && word[1] == option->letter && !word[2])
			return id;
		if (word[1] != '-' || strncmp(word + 2, option->name, len) != 0)
			continue;
		const char *rest = word + 2 + len;
		if (*rest && *rest != '=')
			continue;
		*ret_value = *rest ? rest + 1 : NULL;
		return id;
	}
	return OPTIONS;
}

static int take_repeated(struct parse *parse, enum option_id id, const char *value)
{
	struct args *args = &parse->args;
	if (args->repeated_count == REPEATED_MAX)
		return refuse(parse, "", "--%s is one too many: %d such options are taken",
			options[id].name, REPEATED_MAX);
	args->repeated[args->repeated_count++] = (struct repeated){id, value};
	if (!args->values[id])
		args->values[id] = value;
	return 0;
}

static int take_option(struct parse *parse, const char *word)
{
	const char *value = NULL;
	enum option_id id = find_option(word, &value);
	if (id == OPTIONS)
		return unknown_option(parse, word);
	const struct option *option = &options[id];
	if (option->kind == VALUE_NONE) {
		if (value)
			return refuse(parse, "", "--%s takes no value", option->name);
		parse->args.values[id] = "";
		return 0;
	}
	if (!value && parse->at < parse->count && parse->words[parse->at][0] != '-')
		value = parse->words[parse->at++];
	if (!value || !*value)
		return refuse(
			parse, "", "--%s needs its %s behind it", option->name, option->value);
	if (option->many)
		return take_repeated(parse, id, value);
	if (parse->args.values[id])
		return refuse(parse, "", "--%s is given twice", option->name);
	parse->args.values[id] = value;
	return 0;
}

static int sort_words(struct parse *parse)
{
	bool only_plain = false;
	while (parse->at < parse->count) {
		const char *word = parse->words[parse->at++];
		if (!only_plain && strcmp(word, "--") == 0) {
			only_plain = true;
		} else if (!only_plain && word[0] == '-' && word[1]) {
			int err = take_option(parse, word);
			if (err)
				return err;
		} else {
			if (parse->plain_count < PLAIN_MAX)
				parse->plain[parse->plain_count] = word;
			parse->plain_count++;
		}
	}
	return 0;
}

static int unknown_noun(const struct parse *parse, const char *noun)
{
	const char *names[32], *near;
	char text[CONF_SHOWN], hint[COMMAND_NAME + 20], name[COMMAND_NAME];
	size_t count = 0;
	for (size_t i = 0; i < command_count && count < 32; i++)
		if (command_is_first(&commands[i]))
			names[count++] = commands[i].noun;
	near = str_nearest(noun, names, count);
	/* A verb without its noun is a slip as well. */
	for (size_t i = 0; !near && i < command_count; i++)
		if (commands[i].verb && strcmp(commands[i].verb, noun) == 0)
			near = command_name(&commands[i], name);
	return refuse(parse, "", "there is no command '%s'%s", shown(noun, text),
		did_you_mean(near, hint));
}

/* The noun is known, and wants a verb that it was not given. */
static int refuse_verb(const struct parse *parse, const char *noun, const char *verb)
{
	const char *verbs[32];
	char text[CONF_SHOWN], hint[COMMAND_NAME + 20], list[200] = "";
	size_t count = 0, used = 0;
	for (const struct command *c = command_of_noun(noun);
		c < commands + command_count && strcmp(c->noun, noun) == 0 && count < 32; c++) {
		verbs[count++] = c->verb;
		used += (size_t)snprintf(
			list + used, sizeof(list) - used, "%s%s", used ? ", " : "", c->verb);
		if (used >= sizeof(list))
			break;
	}
	if (!verb)
		return refuse(parse, noun, "%s needs one of: %s", noun, list);
	return refuse(parse, noun, "there is no '%s %s'%s", noun, shown(verb, text),
		did_you_mean(str_nearest(verb, verbs, count), hint));
}

/* Names the command; leaves in *ret_used how many words that took. */
static int name_command(struct parse *parse, size_t *ret_used)
{
	const char *noun = parse->plain_count > 0 ? parse->plain[0] : NULL;
	const char *verb = parse->plain_count > 1 ? parse->plain[1] : NULL;
	struct args *args = &parse->args;
	*ret_used = 0;
	if (!noun && args_given(args, OPTION_VERSION)) {
		args->values[OPTION_VERSION] = NULL;
		args->command = command_find("version", NULL);
		return 0;
	}
	if (!noun)
		return args_given(args, OPTION_HELP) ? 0 : refuse(parse, "", "which command?");
	if (!command_of_noun(noun))
		return unknown_noun(parse, noun);
	args->command = command_find(noun, NULL);
	*ret_used = 1;
	if (args->command || (!verb && args_given(args, OPTION_HELP)))
		return 0;
	args->command = verb ? command_find(noun, verb) : NULL;
	*ret_used = 2;
	return args->command ? 0 : refuse_verb(parse, noun, verb);
}

static int check_word(const struct parse *parse, const struct operand *operand, const char *topic,
	const char *word)
{
	size_t count = 0;
	char text[CONF_SHOWN], hint[COMMAND_NAME + 20], list[100] = "";
	for (size_t used = 0; operand->words[count] && used < sizeof(list); count++) {
		if (strcmp(operand->words[count], word) == 0)
			return 0;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
			operand->words[count]);
	}
	return refuse(parse, topic, "%s '%s' is none of %s%s", operand->name, shown(word, text),
		list, did_you_mean(str_nearest(word, operand->words, count), hint));
}

static int take_operands(struct parse *parse, size_t used)
{
	struct args *args = &parse->args;
	const struct operand *operand = &args->command->operand;
	char topic[COMMAND_NAME], text[CONF_SHOWN];
	command_name(args->command, topic);
	size_t count = parse->plain_count - used;
	size_t max = operand->name ? operand->max : 0;
	if (count > max)
		return refuse(parse, topic, "'%s' is one word too many for %s",
			shown(parse->plain[used + max], text), topic);
	if (operand->name && !operand->optional && !count && !args_given(args, OPTION_HELP))
		return refuse(parse, topic, "%s needs its %s", topic, operand->name);
	for (size_t i = 0; i < count; i++) {
		const char *word = parse->plain[used + i];
		if (!*word)
			return refuse(parse, topic, "an empty word is no %s", operand->name);
		int err = operand->kind == VALUE_WORD ? check_word(parse, operand, topic, word) : 0;
		if (err)
			return err;
		args->operands[args->operand_count++] = word;
	}
	return 0;
}

static int check_options(const struct parse *parse)
{
	const struct args *args = &parse->args;
	char topic[COMMAND_NAME];
	for (enum option_id id = 0; id < OPTIONS; id++)
		if (args_given(args, id) && !command_takes(args->command, id))
			return refuse(parse, command_name(args->command, topic), "%s takes no --%s",
				topic, options[id].name);
	return 0;
}

const char *args_next(const struct args *args, enum option_id option, size_t *at)
{
	while (*at < args->repeated_count) {
		const struct repeated *repeated = &args->repeated[(*at)++];
		if (repeated->id == option)
			return repeated->value;
	}
	return NULL;
}

int args_parse(const char *const *words, size_t count, struct args *ret_args, struct why *why)
{
	struct parse parse = {.words = words, .count = count, .why = why};
	size_t used = 0;
	int err = sort_words(&parse);
	if (!err)
		err = name_command(&parse, &used);
	if (!err && parse.args.command) {
		err = take_operands(&parse, used);
		if (!err)
			err = check_options(&parse);
	} else if (!err && used) {
		/* --help about a noun */
		parse.args.operands[parse.args.operand_count++] = parse.plain[0];
	}
	if (!err)
		*ret_args = parse.args;
	return err;
}
