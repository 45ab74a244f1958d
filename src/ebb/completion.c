/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both scripts have the same shape: find out which command the words so far name, then offer what
 * the table says may follow. The table becomes `case` arms; the rest is constant text.
 */
#include "ebb/completion.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "ebb/command.h"

/* All first words, or the verbs of one noun. */
static void add_words(struct str *out, const char *noun)
{
	const char *gap = "";
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		const char *word = NULL;
		if (!noun && command_is_first(command))
			word = command->noun;
		else if (noun && command->verb && strcmp(command->noun, noun) == 0)
			word = command->verb;
		if (word) {
			str_addf(out, "%s%s", gap, word);
			gap = " ";
		}
	}
}

static void add_options(struct str *out, const struct command *command)
{
	const char *gap = "";
	for (enum option_id id = 0; id < OPTIONS; id++) {
		if (command ? !command_takes(command, id) : id == OPTION_EXIT)
			continue;
		str_addf(out, "%s--%s", gap, options[id].name);
		gap = " ";
	}
}

/* Options whose value is of that kind, as the pattern of a case arm. */
static void add_option_pattern(struct str *out, enum value_kind kind)
{
	const char *gap = "";
	for (enum option_id id = 0; id < OPTIONS; id++) {
		if (options[id].kind != kind)
			continue;
		str_addf(out, "%s--%s", gap, options[id].name);
		gap = "|";
	}
}

static void add_operand_words(struct str *out, const struct operand *operand)
{
	for (size_t i = 0; operand->words && operand->words[i]; i++)
		str_addf(out, "%s%s", i ? " " : "", operand->words[i]);
}

static const char *kind_word(const struct operand *operand)
{
	if (!operand->name)
		return "none";
	return operand->kind == VALUE_FILE       ? "file"
		: operand->kind == VALUE_FOLDER  ? "folder"
		: operand->kind == VALUE_COMMAND ? "command"
						 : "word";
}

/* case arms: "noun" or "noun verb" -> what its operand is, its words, its options. */
static void add_command_arms(struct str *out)
{
	char name[COMMAND_NAME];
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		str_addf(out, "\t\"%s\") operand=%s choices=\"", command_name(command, name),
			kind_word(&command->operand));
		add_operand_words(out, &command->operand);
		str_add(out, "\" opts=\"");
		add_options(out, command);
		str_add(out, "\" ;;\n");
	}
	for (size_t i = 0; i < command_count; i++) {
		if (!commands[i].verb || !command_is_first(&commands[i]))
			continue;
		str_addf(out, "\t\"%s\") operand=word choices=\"", commands[i].noun);
		add_words(out, commands[i].noun);
		str_add(out, "\" opts=\"--help\" ;;\n");
	}
	str_add(out, "\t\"\") operand=word choices=\"");
	add_words(out, NULL);
	str_add(out, "\" opts=\"");
	add_options(out, NULL);
	str_add(out, "\" ;;\n");
}

/* The nouns that want a verb, as the pattern of a case arm. */
static void add_noun_pattern(struct str *out)
{
	const char *gap = "";
	for (size_t i = 0; i < command_count; i++) {
		if (!commands[i].verb || !command_is_first(&commands[i]))
			continue;
		str_addf(out, "%s%s", gap, commands[i].noun);
		gap = "|";
	}
}

/*
 * The part that both shells read alike: from the words before the cursor, $1 being the first behind
 * "ebb", to operand, words and opts. An option's value is no word of a command.
 */
static void add_lookup(struct str *out)
{
	str_add(out,
		"\tlocal name= word skip=\n"
		"\tfor word in \"$@\"; do\n"
		/* bash cuts words at "=" */
		"\t\tif [[ $word == \"=\" ]]; then skip=1; continue; fi\n"
		"\t\tif [[ -n $skip ]]; then skip=; continue; fi\n"
		"\t\tcase $word in\n\t\t");
	add_option_pattern(out, VALUE_FILE);
	str_add(out, "|");
	add_option_pattern(out, VALUE_FOLDER);
	str_add(out, "|");
	add_option_pattern(out, VALUE_TEXT);
	str_add(out,
		") skip=1 ;;\n"
		"\t\t-*) ;;\n"
		"\t\t*)\n"
		"\t\t\tif [[ -z $name ]]; then name=$word\n"
		"\t\t\telse case $name in ");
	add_noun_pattern(out);
	str_add(out,
		") name=\"$name $word\" ;; esac\n"
		"\t\t\tfi ;;\n"
		"\t\tesac\n"
		"\tdone\n"
		"\tcase $name in\n");
	add_command_arms(out);
	str_add(out,
		"\t*) operand=none choices= opts=\"--help\" ;;\n"
		"\tesac\n"
		"\tif [[ $operand == command ]]; then operand=word choices=\"");
	add_words(out, NULL);
	str_add(out, "\"; fi\n");
}

void completion_bash(struct str *out)
{
	str_add(out,
		"# bash completion for ebb, made by `ebb completion bash`.\n"
		"_ebb_lookup() {\n");
	add_lookup(out);
	str_add(out,
		"}\n"
		"_ebb() {\n"
		"\tlocal cur=$2 prev=$3 operand choices opts\n"
		"\tif [[ $cur == \"=\" ]]; then cur=\n"
		"\telif [[ $prev == \"=\" ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
		"\tCOMPREPLY=()\n"
		"\t_ebb_lookup \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
		"\tcase $prev in\n\t");
	add_option_pattern(out, VALUE_FILE);
	str_add(out, ") operand=file ;;\n\t");
	add_option_pattern(out, VALUE_TEXT);
	str_add(out, ") operand=none ;;\n\t");
	add_option_pattern(out, VALUE_FOLDER);
	str_add(out,
		") operand=folder ;;\n"
		"\t*) if [[ $cur == -* ]]; then operand=word choices=$opts; fi ;;\n"
		"\tesac\n"
		"\tlocal IFS=$' \\t\\n'\n"
		"\tcase $operand in\n"
		"\tword) COMPREPLY=($(compgen -W \"$choices\" -- \"$cur\")) ;;\n"
		"\tfile) compopt -o filenames 2>/dev/null\n"
		"\t\tIFS=$'\\n'; COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
		"\tfolder) compopt -o filenames 2>/dev/null\n"
		"\t\tIFS=$'\\n'; COMPREPLY=($(compgen -d -- \"$cur\")) ;;\n"
		"\tesac\n"
		"}\n"
		"complete -F _ebb ebb\n");
}

/* One row, quoted for a shell: an apostrophe in a text would end the quote. */
static void add_meaning(struct str *out, const char *noun, const char *verb, const char *text)
{
	str_addf(out, "\t\t'%s/%s' '", noun, verb);
	for (; *text; text++)
		if (*text == '\'')
			str_add(out, "'\\''");
		else
			str_add_bytes(out, text, 1);
	str_add(out, "'\n");
}

/* What each word offered means, as zsh shows it: "word:what it is". */
static void add_zsh_meanings(struct str *out)
{
	OWN(str_done) struct str name = {0};
	str_add(out, "\tlocal -A meaning=(\n");
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		if (command->verb)
			add_meaning(out, command->noun, command->verb, command->help);
		else
			add_meaning(out, "", command->noun, command->help);
		if (command->verb && command_is_first(command)) {
			str_addf(out, "\t\t'/%s' '", command->noun);
			add_words(out, command->noun);
			str_add(out, "'\n");
		}
	}
	for (enum option_id id = 0; id < OPTIONS; id++) {
		str_addf(&name, "--%s", options[id].name);
		add_meaning(out, "", str_text(&name), options[id].help);
		str_clear(&name);
	}
	str_add(out, "\t)\n");
}

void completion_zsh(struct str *out)
{
	str_add(out,
		"#compdef ebb\n"
		"# zsh completion for ebb, made by `ebb completion zsh`.\n"
		"_ebb_lookup() {\n");
	add_lookup(out);
	str_add(out, "\tnoun=\n\tcase $name in ");
	add_noun_pattern(out);
	str_add(out,
		") noun=$name ;; esac\n"
		"}\n"
		"_ebb() {\n"
		"\tlocal operand choices opts noun item\n"
		"\tlocal -a offers\n");
	add_zsh_meanings(out);
	str_add(out,
		"\tlocal current=$words[CURRENT] prev=$words[CURRENT-1]\n"
		"\t_ebb_lookup \"${(@)words[2,CURRENT-1]}\"\n"
		"\tif [[ $current == --*=* ]]; then prev=${current%%=*}; compset -P '*='; fi\n"
		"\tcase $prev in\n\t");
	add_option_pattern(out, VALUE_FILE);
	str_add(out, ") operand=file ;;\n\t");
	add_option_pattern(out, VALUE_TEXT);
	str_add(out, ") operand=none ;;\n\t");
	add_option_pattern(out, VALUE_FOLDER);
	str_add(out,
		") operand=folder ;;\n"
		"\t*) if [[ $current == -* ]]; then operand=word choices=$opts noun=; fi ;;\n"
		"\tesac\n"
		"\tcase $operand in\n"
		"\tword)\n"
		"\t\tfor item in ${=choices}; do\n"
		"\t\t\toffers+=(\"$item:${meaning[$noun/$item]:-$item}\")\n"
		"\t\tdone\n"
		"\t\t_describe -t values value offers ;;\n"
		"\tfile) _files ;;\n"
		"\tfolder) _files -/ ;;\n"
		"\tesac\n"
		"}\n"
		"if [[ $funcstack[1] == _ebb ]]; then _ebb \"$@\"; else compdef _ebb ebb; fi\n");
}
