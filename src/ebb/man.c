/* SPDX-License-Identifier: Apache-2.0 */
/* man(7) macros; every text of the table is escaped for roff. */
#include "ebb/man.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "ebb/command.h"
#include "ebb/exit.h"

/* The day on which the words of the page last changed: a page built twice is the same page. */
#define MAN_DATE "2026-11-21"

/* `text` as it stands: a dot or quote at a line's start, backslashes and dashes mean themselves. */
static void add_roff(struct str *out, const char *text, size_t len)
{
	if (len && (*text == '.' || *text == '\''))
		str_add(out, "\\&");
	for (const char *c = text; c < text + len; c++) {
		if (*c == '\\')
			str_add(out, "\\e");
		else if (*c == '-')
			str_add(out, "\\-");
		else if (*c == '`' || *c == '~' || *c == '^')
			str_addf(out, "\\(%s", *c == '`' ? "ga" : *c == '~' ? "ti" : "ha");
		else
			str_add_bytes(out, c, 1);
	}
}

/* A paragraph, in lines of at most 80 bytes whatever the escapes. */
static void add_text(struct str *out, const char *text)
{
	size_t column = 0;
	while (*text) {
		size_t len = strcspn(text, " ");
		if (column)
			str_add(out, column + 1 + len > 60 ? "\n" : " ");
		column = column + 1 + len > 60 ? len : column + 1 + len;
		add_roff(out, text, len);
		text += len;
		text += *text == ' ';
	}
	str_add(out, "\n");
}

/* A line of its own: MACRO "text". */
static void add_line(struct str *out, const char *macro, const char *text)
{
	str_addf(out, "%s", macro);
	add_roff(out, text, strlen(text));
	str_add(out, "\n");
}

static void add_item(struct str *out, const char *term, const char *text)
{
	str_add(out, ".TP\n");
	add_line(out, ".B ", term);
	add_text(out, text);
}

static void add_command(struct str *out, const struct command *command)
{
	char text[COMMAND_NAME], help[200];
	OWN(str_done) struct str taken = {0};
	str_add(out, ".TP\n");
	add_line(out, ".B ebb ", command_synopsis(command, text));
	snprintf(help, sizeof(help), "%c%s.", command->help[0] - 'a' + 'A', command->help + 1);
	add_text(out, help);
	add_text(out, command->details);
	str_add(&taken, "Options:");
	for (enum option_id id = 0; id < OPTIONS; id++)
		if (command_takes(command, id))
			str_addf(&taken, " --%s", options[id].name);
	str_add(out, ".IP\n");
	add_text(out, str_text(&taken));
}

static void add_examples(struct str *out)
{
	str_add(out, ".SH EXAMPLES\n");
	for (size_t i = 0; i < command_count; i++)
		for (size_t j = 0; j < EXAMPLES_MAX && commands[i].examples[j].line; j++)
			add_item(out, commands[i].examples[j].line, commands[i].examples[j].text);
}

void man_page(struct str *out)
{
	char text[COMMAND_NAME];
	str_add(out, ".\\\" Made by `ebb man` from the table of commands.\n");
	str_add(out, ".TH EBB 1 " MAN_DATE " \"ebb " EBB_VERSION "\" \"User Commands\"\n");
	str_add(out, ".SH NAME\nebb \\- " EBB_TAGLINE "\n");
	str_add(out, ".SH SYNOPSIS\n.nf\n");
	for (size_t i = 0; i < command_count; i++) {
		str_add(out, "\\fBebb\\fR ");
		command_synopsis(&commands[i], text);
		add_roff(out, text, strlen(text));
		str_add(out, " [\\fIOPTIONS\\fR]\n");
	}
	str_add(out,
		".fi\n.SH DESCRIPTION\n"
		"ebb moves data at low tide: it forecasts the load on volumes and\n"
		"data, and protects them before contention or failure arrives.\n"
		"This is its command line; ebbd and ebb\\-vold are its daemons.\n"
		".SH COMMANDS\n");
	for (size_t i = 0; i < command_count; i++)
		add_command(out, &commands[i]);
	str_add(out,
		".SH OPTIONS\n"
		"An option may stand before or behind its command,\n"
		"as \\-\\-name VALUE or \\-\\-name=VALUE.\n"
		"Behind \\-\\- nothing is an option.\n");
	for (enum option_id id = 0; id < OPTIONS; id++)
		add_item(out, option_synopsis(&options[id], text), options[id].help);
	str_add(out, ".SH ENVIRONMENT\n");
	for (size_t i = 0; variables[i].name; i++)
		add_item(out, variables[i].name, variables[i].text);
	add_item(out, "HOME", "where ~/.local/state is");
	str_add(out, ".SH FILES\n");
	add_item(out, "/etc/ebb/ebb.yaml", "the configuration; `ebb config sample` tells its keys");
	add_item(out, "/etc/ebb/conf.d/", "more of it: what ends in .yaml, in the order of names");
	add_item(out, "/var/lib/ebb", "the state folder, unless the configuration names another");
	str_add(out, ".SH EXIT STATUS\n");
	for (size_t i = 0; exit_texts[i].text; i++) {
		snprintf(text, sizeof(text), "%d", (int)exit_texts[i].code);
		add_item(out, text, exit_texts[i].text);
	}
	add_examples(out);
}
