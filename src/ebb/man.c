/* SPDX-License-Identifier: Apache-2.0 */
/* man(7) macros; every text of the tables is escaped for roff. */
#include "ebb/man.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "conf/show.h"
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

/* The words of an option stand with each command that takes it. */
static void add_command(struct str *out, const struct command *command)
{
	char text[COMMAND_NAME], help[200];
	str_add(out, ".SS ");
	add_line(out, "ebb ", command_synopsis(command, text));
	snprintf(help, sizeof(help), "%c%s.", command->help[0] - 'a' + 'A', command->help + 1);
	add_text(out, help);
	add_text(out, command->details);
	for (enum option_id id = 0; id < OPTIONS; id++)
		if (command_takes(command, id))
			add_item(out, option_synopsis(&options[id], text), options[id].help);
}

static void add_head(struct str *out, const char *page, int section, const char *tagline)
{
	OWN(str_done) struct str upper = {0};
	for (const char *c = page; *c; c++)
		str_addf(&upper, "%c", *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	str_add(out, ".\\\" Made by `ebb man` from the tables of the program.\n.TH ");
	add_roff(out, str_text(&upper), upper.len);
	str_addf(out, " %d " MAN_DATE " \"ebb " EBB_VERSION "\" \"%s\"\n.SH NAME\n", section,
		section == 1 ? "User Commands" : "File Formats");
	add_roff(out, page, strlen(page));
	str_add(out, " \\- ");
	add_roff(out, tagline, strlen(tagline));
	str_add(out, "\n");
}

/* "ebb-repo(1)" */
static void add_reference(struct str *out, const char *noun)
{
	str_add(out, ".BR ebb\\-");
	add_roff(out, noun, strlen(noun));
	str_add(out, " (1)");
}

static void add_examples(struct str *out, const char *noun)
{
	str_add(out, ".SH EXAMPLES\n");
	for (size_t i = 0; i < command_count; i++)
		for (size_t j = 0; j < EXAMPLES_MAX && commands[i].examples[j].line; j++)
			if (strcmp(commands[i].noun, noun) == 0)
				add_item(out, commands[i].examples[j].line,
					commands[i].examples[j].text);
}

static void add_surroundings(struct str *out)
{
	char text[COMMAND_NAME];
	str_add(out, ".SH ENVIRONMENT\n");
	for (size_t i = 0; variables[i].name; i++)
		add_item(out, variables[i].name, variables[i].text);
	add_item(out, "HOME", "where ~/.local/state is");
	str_add(out, ".SH FILES\n");
	add_item(out, "/etc/ebb/ebb.yaml", "the configuration: ebb.yaml(5)");
	add_item(out, "/etc/ebb/conf.d/", "more of it: what ends in .yaml, in the order of names");
	add_item(out, "/var/lib/ebb", "the state folder, unless the configuration names another");
	str_add(out, ".SH EXIT STATUS\n");
	for (size_t i = 0; exit_texts[i].text; i++) {
		snprintf(text, sizeof(text), "%d", (int)exit_texts[i].code);
		add_item(out, text, exit_texts[i].text);
	}
}

void man_page(struct str *out)
{
	char text[COMMAND_NAME];
	add_head(out, "ebb", 1, EBB_TAGLINE);
	str_add(out,
		".SH SYNOPSIS\n.B ebb\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
		".SH DESCRIPTION\n"
		"ebb moves data at low tide: it forecasts the load on volumes and\n"
		"data, and protects them before contention or failure arrives.\n"
		"This is its command line; ebbd and ebb\\-vold are its daemons.\n"
		".PP\n"
		"An option may stand before or behind its command,\n"
		"as \\-\\-name VALUE or \\-\\-name=VALUE.\n"
		"Behind \\-\\- nothing is an option.\n"
		"Each command has a page of its own: ebb\\-backup(1), ebb\\-repo(1) and so on.\n"
		".SH COMMANDS\n");
	for (size_t i = 0; i < command_count; i++)
		add_item(out, command_synopsis(&commands[i], text), commands[i].help);
	str_add(out, ".SH OPTIONS\n");
	add_item(out, option_synopsis(&options[OPTION_HELP], text), options[OPTION_HELP].help);
	add_item(
		out, option_synopsis(&options[OPTION_VERSION], text), options[OPTION_VERSION].help);
	add_surroundings(out);
	str_add(out, ".SH SEE ALSO\n");
	for (size_t i = 0; i < command_count; i++) {
		if (!command_is_first(&commands[i]))
			continue;
		add_reference(out, commands[i].noun);
		str_add(out, " ,\n");
	}
	str_add(out, ".BR ebbd (8),\n.BR ebb\\-vold (8),\n.BR ebb.yaml (5)\n");
}

bool man_command(const char *noun, struct str *out)
{
	char page[COMMAND_NAME], text[COMMAND_NAME];
	const struct command *first = command_of_noun(noun);
	if (!first)
		return false;
	snprintf(page, sizeof(page), "ebb-%s", noun);
	snprintf(text, sizeof(text), "the commands of ebb %s", noun);
	const struct command *last = &commands[command_count - 1];
	bool alone = first == last || strcmp(first[1].noun, noun) != 0;
	add_head(out, page, 1, alone ? first->help : text);
	str_add(out, ".SH SYNOPSIS\n.nf\n");
	for (const struct command *c = first; c <= last && strcmp(c->noun, noun) == 0; c++) {
		str_add(out, "\\fBebb\\fR ");
		command_synopsis(c, text);
		add_roff(out, text, strlen(text));
		str_add(out, " [\\fIOPTIONS\\fR]\n");
	}
	str_add(out, ".fi\n.SH DESCRIPTION\n");
	for (const struct command *c = first; c <= last && strcmp(c->noun, noun) == 0; c++)
		add_command(out, c);
	add_examples(out, noun);
	str_add(out, ".SH SEE ALSO\n.BR ebb (1)\n");
	return true;
}

/* A line as it stands. Long ones go on behind a backslash, which joins them again. */
static void add_verbatim(struct str *out, const char *line, size_t len)
{
	enum { PIECE = 60 };
	for (; len > PIECE; line += PIECE, len -= PIECE) {
		str_add(out, "\\&");
		add_roff(out, line, PIECE);
		str_add(out, "\\\n");
	}
	str_add(out, "\\&");
	add_roff(out, line, len);
	str_add(out, "\n");
}

int man_configuration(struct str *out)
{
	OWN(str_done) struct str sample = {0};
	conf_sample(&sample);
	if (str_error(&sample))
		return str_error(&sample);
	add_head(out, "ebb.yaml", 5, "the configuration of ebb");
	str_add(out,
		".SH DESCRIPTION\n"
		"What ebbd and ebb go by. Mistakes are told by file, line and column,\n"
		"and change nothing of a daemon that runs. All keys, each with what it\n"
		"may be and its default:\n"
		".PP\n.nf\n");
	for (const char *line = str_text(&sample); *line;) {
		size_t len = strcspn(line, "\n");
		add_verbatim(out, line, len);
		line += len + (line[len] == '\n');
	}
	str_add(out,
		".fi\n.SH FILES\n.TP\n.I /etc/ebb/ebb.yaml\nthe configuration\n"
		".TP\n.I /etc/ebb/conf.d/\nmore of it\n"
		".SH SEE ALSO\n.BR ebb\\-config (1),\n.BR ebbd (8)\n");
	return 0;
}
