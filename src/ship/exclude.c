/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns are split into components once; a path is matched component by component. */
#include "ship/exclude.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/why.h"
#include "os/files.h"

struct pattern {
	char *text; /* its components, each ended by a NUL */
	VEC(const char *) components;
	bool keeps, folders_only, by_path;
};

struct excludes {
	VEC(struct pattern) list;
};

static void pattern_done(struct pattern *pattern)
{
	free(pattern->text);
	vec_done(&pattern->components);
}

void excludes_free(struct excludes *excludes)
{
	if (!excludes)
		return;
	vec_each (pattern, &excludes->list)
		pattern_done(pattern);
	vec_done(&excludes->list);
	free(excludes);
}

/* What stands behind the root's own path, when the pattern begins with it. */
static const char *below_root(const char *text, const char *root)
{
	size_t len = strlen(root);
	if (len > 1 && str_starts(text, root) && text[len] == '/')
		return text + len;
	return text;
}

static int split(struct pattern *pattern)
{
	for (char *rest = pattern->text, *part; (part = strsep(&rest, "/"));)
		if (*part && vec_push(&pattern->components, part))
			return -ENOMEM;
	return pattern->components.len ? 0 : -EINVAL;
}

static int compile(const char *text, const char *root, struct pattern *pattern)
{
	pattern->keeps = text[0] == '!';
	text = below_root(text + pattern->keeps, root);
	size_t len = strlen(text);
	pattern->folders_only = len && text[len - 1] == '/';
	len -= pattern->folders_only;
	pattern->by_path = memchr(text, '/', len) != NULL;
	pattern->text = strndup(text, len);
	return pattern->text ? split(pattern) : -ENOMEM;
}

int excludes_new(const char *const *patterns, size_t count, const char *root,
	struct excludes **ret_excludes, struct why *why)
{
	OWN(excludes_free_own) struct excludes *excludes = calloc(1, sizeof(*excludes));
	if (!excludes)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct pattern pattern = {0};
		int err = compile(patterns[i], root, &pattern);
		if (!err)
			err = vec_push(&excludes->list, pattern);
		if (err) {
			pattern_done(&pattern);
			return err == -EINVAL
				? why_set(why, err, "the pattern '%s' names nothing", patterns[i])
				: err;
		}
	}
	*ret_excludes = TAKE(excludes);
	return 0;
}

/* Does the first component of `path` match? */
static bool component_matches(const char *component, const char *path)
{
	char name[FILES_NAME_MAX + 1];
	size_t len = strcspn(path, "/");
	if (len > FILES_NAME_MAX)
		return false;
	memcpy(name, path, len);
	name[len] = '\0';
	return fnmatch(component, name, 0) == 0;
}

static const char *next_component(const char *path)
{
	path += strcspn(path, "/");
	return *path ? path + 1 : path;
}

/*
 * Components against components. Behind a "**" it is tried again one folder deeper; only the last
 * one need be remembered, because what an earlier one took can stay with it.
 */
static bool path_matches(const struct pattern *pattern, const char *path)
{
	size_t at = 0, count = pattern->components.len, star_at = 0;
	const char *star_path = NULL;
	for (;;) {
		if (at < count && strcmp(pattern->components.at[at], "**") == 0) {
			star_at = ++at;
			star_path = path;
			if (at == count)
				return *path; /* what is in a folder, not the folder itself */
		} else if (at == count && !*path) {
			return true;
		} else if (at < count && *path &&
			component_matches(pattern->components.at[at], path)) {
			at++;
			path = next_component(path);
		} else if (!star_path || !*star_path) {
			return false;
		} else {
			path = star_path = next_component(star_path);
			at = star_at;
		}
	}
}

static bool pattern_matches(const struct pattern *pattern, const char *path, bool is_folder)
{
	if (pattern->folders_only && !is_folder)
		return false;
	if (pattern->by_path)
		return path_matches(pattern, path);
	const char *slash = strrchr(path, '/');
	return component_matches(pattern->components.at[0], slash ? slash + 1 : path);
}

bool excludes_match(const struct excludes *excludes, const char *path, bool is_folder)
{
	for (size_t i = excludes->list.len; i-- > 0;)
		if (pattern_matches(&excludes->list.at[i], path, is_folder))
			return !excludes->list.at[i].keeps;
	return false;
}
