/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden_test FOLDER [--write]: each NAME.facts there leads to the plan that stands in NAME.plan,
 * or to the refusal. --write makes what is missing; what it made is read before it is believed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/must.h"
#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "plan/decide.h"
#include "plan/facts.h"

static bool read_file(const char *path, struct str *ret)
{
	char bytes[4096];
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	for (size_t len; (len = fread(bytes, 1, sizeof(bytes), file)) > 0;)
		str_add_bytes(ret, bytes, len);
	fclose(file);
	return !str_error(ret);
}

static void write_file(const char *path, const struct str *text)
{
	FILE *file = fopen(path, "we");
	must(file && fwrite(str_text(text), 1, text->len, file) == text->len);
	must(fclose(file) == 0);
}

/* The plan, or why there is none. Deciding a second time must come to the same. */
static void decide(const char *name, const struct str *facts_text, struct str *ret)
{
	OWN(arena_done) struct arena arena = {0};
	struct facts facts;
	struct plan plan;
	struct why why;
	OWN(str_done) struct str again = {0}, shown = {0};
	if (facts_read(&arena, name, str_text(facts_text), facts_text->len, &facts, &why)) {
		str_addf(ret, "%s\n", why.text);
		return;
	}
	must(plan_decide(&facts, &arena, &plan) == 0);
	plan_show(&facts, &plan, ret);
	/* The facts as they are kept decide the same. */
	facts_show(&facts, &shown);
	must(facts_read(&arena, name, str_text(&shown), shown.len, &facts, &why) == 0);
	must(plan_decide(&facts, &arena, &plan) == 0);
	plan_show(&facts, &plan, &again);
	must(strcmp(str_text(ret), str_text(&again)) == 0);
}

static void show_difference(const char *is, const char *wanted)
{
	size_t line = 1, at = 0;
	for (; is[at] && is[at] == wanted[at]; at++)
		line += is[at] == '\n';
	while (at && is[at - 1] != '\n')
		at--;
	size_t is_len = strcspn(is + at, "\n");
	size_t len = at < strlen(wanted) ? strcspn(wanted + at, "\n") : 0;
	printf("# line %zu is:     %.*s\n# and should be: %.*s\n", line, (int)is_len, is + at,
		(int)len, wanted + at);
}

static bool one(const char *folder, const char *name, bool write)
{
	OWN(str_done) struct str facts = {0}, wanted = {0}, is = {0}, path = {0}, plan = {0};
	str_addf(&path, "%s/%s.facts", folder, name);
	str_addf(&plan, "%s/%s.plan", folder, name);
	if (!read_file(path.at, &facts))
		return false;
	decide(name, &facts, &is);
	if (!read_file(plan.at, &wanted)) {
		if (write)
			write_file(plan.at, &is);
		return write;
	}
	if (strcmp(str_text(&is), str_text(&wanted)) == 0)
		return true;
	show_difference(str_text(&is), str_text(&wanted));
	return false;
}

static int is_facts(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);
	return len > 6 && strcmp(entry->d_name + len - 6, ".facts") == 0;
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int count = argc > 1 ? scandir(argv[1], &entries, is_facts, alphasort) : -1;
	bool write = argc > 2 && strcmp(argv[2], "--write") == 0, all = true;
	if (count < 0)
		return fprintf(stderr, "golden_test: which folder?\n"), 2;
	printf("1..%d\n", count + 1);
	for (int i = 0; i < count; i++) {
		char name[256];
		snprintf(name, sizeof(name), "%.*s", (int)strlen(entries[i]->d_name) - 6,
			entries[i]->d_name);
		bool fine = one(argv[1], name, write);
		printf("%sok %d - %s\n", fine ? "" : "not ", i + 1, name);
		all = all && fine;
		free(entries[i]);
	}
	free(entries);
	/* A folder that was not found whole would pass. */
	printf("%sok %d - there are at least sixty\n", count >= 60 ? "" : "not ", count + 1);
	return all && count >= 60 ? 0 : 1;
}
