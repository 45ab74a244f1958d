/* SPDX-License-Identifier: Apache-2.0 */
/* The command, and what its parts share. */
#include "ebb/doctor.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/shown.h"
#include "os/linux/textfile.h"

#define RED "\033[31m"
#define YELLOW "\033[33m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

enum { SMALL_FILE = 4096 };

static void doctor_done(struct doctor *doctor)
{
	vec_done(&doctor->findings);
	vec_done(&doctor->mounts);
	vec_done(&doctor->postgres);
}

void doctor_add(struct doctor *doctor, const char *group, enum finding_level level,
	const char *name, const char *fmt, ...)
{
	struct finding finding = {.group = group, .level = level};
	va_list args;
	snprintf(finding.name, sizeof(finding.name), "%s", name);
	va_start(args, fmt);
	vsnprintf(finding.text, sizeof(finding.text), fmt, args);
	va_end(args);
	doctor->failed |= vec_push(&doctor->findings, finding) != 0;
}

void doctor_todo(struct doctor *doctor, const char *fmt, ...)
{
	va_list args;
	if (!doctor->findings.len)
		return;
	struct finding *finding = &doctor->findings.at[doctor->findings.len - 1];
	va_start(args, fmt);
	vsnprintf(finding->todo, sizeof(finding->todo), fmt, args);
	va_end(args);
}

void doctor_read(const char *path, char *ret_text, size_t cap)
{
	OWN(own_free) char *text = NULL;
	size_t len;
	ret_text[0] = '\0';
	if (textfile_read(path, SMALL_FILE, &text, &len, NULL))
		return;
	len = strcspn(text, "\n");
	while (len && text[len - 1] == ' ')
		len--;
	snprintf(ret_text, cap, "%.*s", (int)len, text);
}

bool doctor_has_program(const struct doctor *doctor, const char *name)
{
	/* Where administrators' programs lie that a user's PATH does not name. */
	const char *path = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";
	char file[1024];
	const char *const *line = doctor->call->environment;
	for (; *line; line++)
		if (str_starts(*line, "PATH="))
			path = *line + strlen("PATH=");
	while (*path) {
		int len = (int)strcspn(path, ":");
		snprintf(file, sizeof(file), "%.*s/%s", len, path, name);
		if (len && access(file, X_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

/* ---- what is said ---- */

static const char *const level_words[] = {"good", "note", "wrong"};

static size_t count_of(const struct doctor *doctor, enum finding_level level)
{
	size_t count = 0;
	vec_each (finding, &doctor->findings)
		count += finding->level == level;
	return count;
}

static int say_json(const struct doctor *doctor)
{
	OWN(str_done) struct str proposal = {0};
	json_t *list = json_array();
	vec_each (finding, &doctor->findings) {
		json_t *one = json_pack(
			"{s:s,s:s}", "group", finding->group, "level", level_words[finding->level]);
		shown_set(one, "name", finding->name, strlen(finding->name));
		shown_set(one, "text", finding->text, strlen(finding->text));
		if (*finding->todo)
			shown_set(one, "do", finding->todo, strlen(finding->todo));
		json_array_append_new(list, one);
	}
	doctor_propose(doctor, &proposal);
	return call_print_json(json_pack("{s:s,s:o,s:I,s:s}", "type", "doctor", "findings", list,
		"wrong", (json_int_t)count_of(doctor, FINDING_WRONG), "proposal",
		str_text(&proposal)));
}

static void add_finding(
	const struct doctor *doctor, const struct finding *finding, struct str *text)
{
	static const char *const marks[] = {"  ", "- ", "! "};
	static const char *const colors[] = {"", YELLOW, RED};
	bool color = doctor->call->color && finding->level != FINDING_GOOD;
	str_addf(text, "  %s%s", color ? colors[finding->level] : "", marks[finding->level]);
	shown_add(text, finding->name, strlen(finding->name));
	str_addf(text, "%s: ", color ? PLAIN : "");
	shown_add(text, finding->text, strlen(finding->text));
	if (*finding->todo) {
		str_add(text, "\n      ");
		shown_add(text, finding->todo, strlen(finding->todo));
	}
	str_add(text, "\n");
}

static int say(const struct doctor *doctor)
{
	OWN(str_done) struct str text = {0};
	const char *group = "";
	size_t wrong = count_of(doctor, FINDING_WRONG);
	vec_each (finding, &doctor->findings) {
		if (strcmp(finding->group, group) != 0)
			str_addf(&text, "%s%s%s\n", doctor->call->color ? BOLD : "", finding->group,
				doctor->call->color ? PLAIN : "");
		group = finding->group;
		add_finding(doctor, finding, &text);
	}
	if (wrong)
		str_addf(&text, "\n%zu of these are wrong (!).\n", wrong);
	else
		str_add(&text, "\nNothing is wrong.\n");
	return call_print(&text);
}

static int say_proposal(const struct doctor *doctor)
{
	OWN(str_done) struct str text = {0};
	doctor_propose(doctor, &text);
	return call_print(&text);
}

int call_doctor(const struct call *call)
{
	OWN(doctor_done) struct doctor doctor = {.call = call};
	bool propose = args_given(&call->args, OPTION_PROPOSE);
	doctor_disks(&doctor);
	doctor_mounts(&doctor);
	doctor_kernel(&doctor);
	doctor_clock(&doctor);
	doctor_servers(&doctor);
	doctor_machines(&doctor);
	doctor_history(&doctor);
	doctor_tools(&doctor);
	if (!propose)
		doctor_ebb(&doctor);
	if (doctor.failed)
		return call_fail(EXIT_FAILED, "no memory");
	int code = propose                             ? say_proposal(&doctor)
		: args_given(&call->args, OPTION_JSON) ? say_json(&doctor)
						       : say(&doctor);
	return code || propose ? code : count_of(&doctor, FINDING_WRONG) ? EXIT_PARTIAL : EXIT_OK;
}
