/* SPDX-License-Identifier: Apache-2.0 */
/* Printing, and the commands that tell about ebb itself. */
#include "ebb/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/utf8.h"
#include "conf/errors.h"
#include "ebb/completion.h"
#include "ebb/exit.h"
#include "ebb/help.h"
#include "ebb/man.h"

int call_fail(int code, const char *fmt, ...)
{
	char text[2048];
	uint32_t letter;
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* Whatever a file, an argument or a socket put into it: a terminal is not moved. */
	for (size_t at = 0, left = strlen(text), size; left; at += size, left -= size) {
		size = utf8_take(text + at, left, &letter);
		if (size && utf8_is_shown(letter))
			continue;
		size += !size;
		memset(text + at, '?', size);
	}
	fprintf(stderr, "ebb: %s\n", text);
	return code;
}

int call_print(const struct str *text)
{
	if (str_error(text))
		return call_fail(EXIT_FAILED, "no memory");
	/* A full disk shows only when the buffer is written out. */
	if (fputs(str_text(text), stdout) == EOF || fflush(stdout) == EOF)
		return call_fail(EXIT_FAILED, "cannot write to standard output");
	return EXIT_OK;
}

void call_add_json(struct str *text, json_t *document)
{
	char *dump = document ? json_dumps(document, JSON_COMPACT) : NULL;
	json_decref(document);
	str_addf(text, "%s\n", dump ? dump : "");
	text->failed = text->failed || !dump;
	free(dump);
}

int call_print_json(json_t *document)
{
	OWN(str_done) struct str text = {0};
	call_add_json(&text, document);
	return call_print(&text);
}

int call_help(const struct call *call)
{
	const struct args *args = &call->args;
	const char *noun = args->operand_count > 0 ? args->operands[0] : NULL;
	const char *verb = args->operand_count > 1 ? args->operands[1] : NULL;
	OWN(str_done) struct str text = {0};
	const struct command *command = noun ? command_find(noun, verb) : NULL;
	char shown[CONF_SHOWN], shown_verb[CONF_SHOWN] = "";
	if (args_given(args, OPTION_JSON)) {
		help_json(&text);
	} else if (!noun) {
		help_overview(&text);
	} else if (command) {
		help_command(command, &text);
	} else if (!verb && command_of_noun(noun)) {
		help_noun(noun, &text);
	} else {
		if (verb)
			conf_shown(verb, strlen(verb), shown_verb);
		return call_fail(EXIT_USAGE, "there is no command '%s%s%s'; see `ebb help`",
			conf_shown(noun, strlen(noun), shown), verb ? " " : "", shown_verb);
	}
	return call_print(&text);
}

int call_man(const struct call *call)
{
	const struct args *args = &call->args;
	const char *page = args->operand_count ? args->operands[0] : NULL;
	OWN(str_done) struct str text = {0};
	char shown[CONF_SHOWN];
	if (!page)
		man_page(&text);
	else if (strcmp(page, "ebb.yaml") == 0)
		text.failed = man_configuration(&text) != 0;
	else if (!man_command(page, &text))
		return call_fail(EXIT_USAGE, "there is no page '%s'; see `ebb man`",
			conf_shown(page, strlen(page), shown));
	return call_print(&text);
}

int call_completion(const struct call *call)
{
	OWN(str_done) struct str text = {0};
	if (strcmp(call->args.operands[0], "zsh") == 0)
		completion_zsh(&text);
	else
		completion_bash(&text);
	return call_print(&text);
}

int call_version(const struct call *call)
{
	OWN(str_done) struct str text = {0};
	if (args_given(&call->args, OPTION_JSON))
		str_add(&text, "{\"type\":\"version\",\"version\":\"" EBB_VERSION "\"}\n");
	else
		str_add(&text, "ebb " EBB_VERSION "\n");
	return call_print(&text);
}
