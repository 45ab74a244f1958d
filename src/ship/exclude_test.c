/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns against paths. */
#include "ship/exclude.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"

struct
try {
	const char *patterns[4];
	const char *path; /* one that ends in a slash is a folder */
	bool out;
};

static bool matches(const struct try *try)
{
	OWN(excludes_free_own) struct excludes *excludes = NULL;
	size_t count = 0, len = strlen(try->path);
	char path[100];
	bool is_folder = try->path[len - 1] == '/';
	while (count < 4 && try->patterns[count])
		count++;
	memcpy(path, try->path, len + 1);
	path[len - is_folder] = '\0';
	CHECK_EQ(excludes_new(try->patterns, count, "/home/u", &excludes, NULL), 0);
	return excludes_match(excludes, path, is_folder);
}

TEST(patterns_mean_what_they_mean_in_gitignore)
{
	static const struct try tries[] = {
		{{NULL}, "a", false},
		{{"*.o"}, "a.o", true},
		{{"*.o"}, "x/y/a.o", true},
		{{"*.o"}, "x.o/y", false}, /* the folder itself is left out, and never entered */
		{{"*.o"}, "a.oo", false},
		{{"a"}, "x/a", true},
		{{"/a"}, "x/a", false},
		{{"/a"}, "a", true},
		{{"a/"}, "a", false},
		{{"a/"}, "x/a/", true},
		{{"a/b"}, "a/b", true},
		{{"a/b"}, "x/a/b", false},
		{{"a/*"}, "a/b", true},
		{{"a/*"}, "a/b/c", false},
		{{"a/*/c"}, "a/b/c", true},
		{{"**/b"}, "b", true},
		{{"**/b"}, "a/x/b", true},
		{{"**/b/c"}, "a/b/b/c", true},
		{{"a/**"}, "a/", false},
		{{"a/**"}, "a/b/c", true},
		{{"a/**/z"}, "a/z", true},
		{{"a/**/z"}, "a/b/c/z", true},
		{{"a/**/z"}, "a/b/c/y", false},
		{{"a/**/m/**/z"}, "a/1/m/2/3/z", true},
		{{"a/**/m/**/z"}, "a/1/2/3/z", false},
		{{"/home/u/.cache"}, ".cache/", true},
		{{"/home/u/.cache"}, "x/.cache/", false},
		{{"/home/user/x"}, "x", false},
		{{"*.log", "!keep.log"}, "keep.log", false},
		{{"*.log", "!keep.log"}, "x.log", true},
		{{"!keep.log", "*.log"}, "keep.log", true},
		{{"\\!a"}, "!a", true},
		{{"[ab]?"}, "bz", true},
		{{"[!ab]"}, "a", false},
		{{"a\\*"}, "a*", true},
		{{"a\\*"}, "ab", false},
		{{"\xff*"}, "\xff\xfe", true},
	};
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		if (matches(&tries[i]) != tries[i].out)
			test_fail(__FILE__, __LINE__, "'%s' against '%s'", tries[i].patterns[0],
				tries[i].path);
}

TEST(a_pattern_without_a_name_is_refused)
{
	struct excludes *excludes = NULL;
	struct why why;
	static const char *const empty[] = {"/", "!", "", "!/home/u/"};
	for (size_t i = 0; i < 4; i++)
		CHECK_EQ(excludes_new(&empty[i], 1, "/home/u", &excludes, &why), -EINVAL);
	CHECK_STR(why.text, "the pattern '!/home/u/' names nothing");
	CHECK(!excludes);
}

/* Many stars cost time that grows with the length, not with its power. */
TEST(stars_stay_cheap)
{
	struct try try = {{"**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b"},
		"a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/c", false};
	for (int i = 0; i < 1000; i++)
		CHECK(!matches(&try));
}

TEST_MAIN
