/* SPDX-License-Identifier: Apache-2.0 */
/* Options by a table. */
#include "base/flags.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/str.h"
#include "base/why.h"

enum { HELP_COLUMN = 20 }; /* or further right, where an option is long */

static int refuse_unknown(
	const struct flag *flags, size_t count, const char *name, size_t len, struct why *why)
{
	const char *names[FLAGS_MAX];
	char word[64];
	for (size_t i = 0; i < count; i++)
		names[i] = flags[i].name;
	snprintf(word, sizeof(word), "%.*s", (int)(len < 63 ? len : 63), name);
	const char *nearest = str_nearest(word, names, count);
	if (nearest)
		return why_set(why, -EINVAL, "no option --%s: did you mean --%s?", word, nearest);
	return why_set(why, -EINVAL, "no option --%s", word);
}

static const struct flag *find(const struct flag *flags, size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(flags[i].name) == len && memcmp(flags[i].name, name, len) == 0)
			return &flags[i];
	return NULL;
}

/* "-s" */
static bool read_letter(const struct flag *flags, size_t count, const char *word)
{
	if (word[0] != '-' || !word[1] || word[1] == '-' || word[2])
		return false;
	for (size_t i = 0; i < count; i++)
		if (flags[i].letter == word[1]) {
			*flags[i].given = true;
			return true;
		}
	return false;
}

/* Reads the flag at argv[0]. How many words of argv it took, or -EINVAL. */
static int read_one(const struct flag *flags, size_t count, char *const *argv, struct why *why)
{
	if (read_letter(flags, count, argv[0]))
		return 1;
	if (!str_starts(argv[0], "--"))
		return why_set(why, -EINVAL, "\"%.64s\" is no option", argv[0]);
	const char *name = argv[0] + 2;
	size_t len = strcspn(name, "=");
	const char *value = name[len] ? name + len + 1 : NULL;
	const struct flag *flag = find(flags, count, name, len);
	if (!flag)
		return refuse_unknown(flags, count, name, len, why);
	if (!flag->argument) {
		if (value)
			return why_set(why, -EINVAL, "--%s takes no value", flag->name);
		*flag->given = true;
		return 1;
	}
	int took = value ? 1 : 2;
	if (!value)
		value = argv[1];
	if (!value || !*value)
		return why_set(why, -EINVAL, "--%s needs %s", flag->name, flag->argument);
	*flag->value = value;
	return took;
}

int flags_read(const struct flag *flags, size_t count, char *const *argv, struct why *why)
{
	must(count <= FLAGS_MAX);
	argv++;
	while (*argv) {
		int took = read_one(flags, count, argv, why);
		if (took < 0)
			return took;
		argv += took;
	}
	return 0;
}

/* "  --name ARGUMENT" */
static size_t width_of(const struct flag *flag)
{
	return 4 + strlen(flag->name) + (flag->argument ? 1 + strlen(flag->argument) : 0) +
		(flag->letter ? 4 : 0);
}

void flags_help(const struct flag *flags, size_t count, struct str *text)
{
	size_t column = HELP_COLUMN;
	for (size_t i = 0; i < count; i++)
		column = width_of(&flags[i]) + 2 > column ? width_of(&flags[i]) + 2 : column;
	for (size_t i = 0; i < count; i++) {
		const struct flag *flag = &flags[i];
		size_t width = width_of(flag);
		str_add(text, "  ");
		if (flag->letter)
			str_addf(text, "-%c, ", flag->letter);
		str_addf(text, "--%s%s%s", flag->name, flag->argument ? " " : "",
			flag->argument ? flag->argument : "");
		for (const char *line = flag->help; *line; width = 0) {
			size_t len = strcspn(line, "\n");
			str_addf(text, "%*s%.*s\n", (int)(column - width), "", (int)len, line);
			line += len + (line[len] == '\n');
		}
	}
}
