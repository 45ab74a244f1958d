/* SPDX-License-Identifier: Apache-2.0 */
/* Help for people within 80 columns, and the table as JSON. */
#include "ebb/help.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "ebb/call.h"
#include "ebb/command.h"
#include "ebb/exit.h"

enum { COLUMNS = 80, TERM_COLUMN = 24 };

/* `text` in lines that begin at column `indent`; the first one begins where the cursor is. */
static void add_wrapped(struct str *out, const char *text, size_t indent, size_t column)
{
	while (*text) {
		size_t len = strcspn(text, " ");
		if (column > indent && column + 1 + len > COLUMNS) {
			str_addf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			str_add(out, " ");
			column++;
		}
		str_add_bytes(out, text, len);
		column += len;
		text += len;
		text += *text == ' ';
	}
	str_add(out, "\n");
}

/* "  TERM      what it is", on two lines when the term is long. */
static void add_entry(struct str *out, const char *term, const char *text)
{
	int len = (int)strlen(term) + 2;
	str_addf(out, "  %s", term);
	if (len + 2 > TERM_COLUMN)
		str_addf(out, "\n%*s", TERM_COLUMN, "");
	else
		str_addf(out, "%*s", TERM_COLUMN - len, "");
	add_wrapped(out, text, TERM_COLUMN, TERM_COLUMN);
}

static void add_option(struct str *out, const struct option *option)
{
	char synopsis[COMMAND_NAME];
	add_entry(out, option_synopsis(option, synopsis), option->help);
}

void help_overview(struct str *out)
{
	char text[COMMAND_NAME];
	str_add(out, "ebb: " EBB_TAGLINE "\n\nusage: ebb COMMAND [OPTIONS]\n\ncommands\n");
	for (size_t i = 0; i < command_count; i++)
		add_entry(out, command_synopsis(&commands[i], text), commands[i].help);
	str_add(out, "\noptions that many commands take\n");
	for (enum option_id id = 0; id < OPTIONS; id++)
		if (id != OPTION_EXIT)
			add_option(out, &options[id]);
	str_add(out, "\nenvironment\n");
	for (size_t i = 0; variables[i].name; i++)
		add_entry(out, variables[i].name, variables[i].text);
	str_add(out, "\nexit codes\n");
	for (size_t i = 0; exit_texts[i].text; i++) {
		snprintf(text, sizeof(text), "%d", (int)exit_texts[i].code);
		add_entry(out, text, exit_texts[i].text);
	}
	str_add(out, "\n`ebb help COMMAND` tells more, `man ebb` all.\n");
}

void help_command(const struct command *command, struct str *out)
{
	char text[COMMAND_NAME];
	str_addf(out, "usage: ebb %s [OPTIONS]\n\n", command_synopsis(command, text));
	command_name(command, text);
	str_addf(out, "%s:", text);
	add_wrapped(out, command->help, 0, strlen(text) + 1);
	str_add(out, "\n");
	add_wrapped(out, command->details, 0, 0);
	str_add(out, "\noptions\n");
	for (enum option_id id = 0; id < OPTIONS; id++)
		if (command_takes(command, id))
			add_option(out, &options[id]);
	str_add(out, "\nexamples\n");
	for (size_t i = 0; i < EXAMPLES_MAX && command->examples[i].line; i++)
		str_addf(out, "  %s\n      %s\n", command->examples[i].line,
			command->examples[i].text);
}

void help_noun(const char *noun, struct str *out)
{
	char text[COMMAND_NAME];
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].noun, noun) == 0)
			add_entry(out, command_synopsis(&commands[i], text), commands[i].help);
	str_addf(out, "\n`ebb help %s VERB` tells more.\n", noun);
}

static json_t *json_of_option(const struct option *option)
{
	char letter[2] = {option->letter, '\0'};
	return json_pack("{s:s,s:s*,s:s*,s:s}", "name", option->name, "letter",
		option->letter ? letter : NULL, "value", option->value, "help", option->help);
}

static json_t *json_of_command(const struct command *command)
{
	char name[COMMAND_NAME], synopsis[COMMAND_NAME];
	json_t *taken = json_array(), *examples = json_array();
	for (enum option_id id = 0; id < OPTIONS; id++)
		if (command_takes(command, id))
			json_array_append_new(taken, json_string(options[id].name));
	for (size_t i = 0; i < EXAMPLES_MAX && command->examples[i].line; i++)
		json_array_append_new(examples, json_string(command->examples[i].line));
	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o}", "name", command_name(command, name),
		"synopsis", command_synopsis(command, synopsis), "help", command->help, "details",
		command->details, "options", taken, "examples", examples);
}

void help_json(struct str *out)
{
	json_t *rows = json_array(), *taken = json_array(), *codes = json_array();
	for (size_t i = 0; i < command_count; i++)
		json_array_append_new(rows, json_of_command(&commands[i]));
	for (enum option_id id = 0; id < OPTIONS; id++)
		json_array_append_new(taken, json_of_option(&options[id]));
	for (size_t i = 0; exit_texts[i].text; i++)
		json_array_append_new(codes,
			json_pack("{s:i,s:s}", "code", (int)exit_texts[i].code, "help",
				exit_texts[i].text));
	json_t *document = json_pack("{s:s,s:o,s:o,s:o}", "type", "help", "commands", rows,
		"options", taken, "exit_codes", codes);
	call_add_json(out, document);
}
