/* SPDX-License-Identifier: Apache-2.0 */
/* Options by a table. */
#include "base/flags.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/str.h"
#include "base/why.h"

enum { HELP_COLUMN = 20 };

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

/* Reads the flag at argv[0]. How many words of argv it took, or -EINVAL. */
static int read_one(const struct flag *flags, size_t count, char *const *argv, struct why *why)
{
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

void flags_help(const struct flag *flags, size_t count, struct str *text)
{
	for (size_t i = 0; i < count; i++) {
		size_t start = text->len;
		str_addf(text, "  --%s %s", flags[i].name,
			flags[i].argument ? flags[i].argument : "");
		int width = (int)(text->len - start);
		const char *line = flags[i].help;
		while (*line) {
			size_t len = strcspn(line, "\n");
			str_addf(text, "%*s%.*s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 1,
				"", (int)len, line);
			width = 0;
			line += len + (line[len] == '\n');
		}
	}
}
