/* SPDX-License-Identifier: Apache-2.0 */
/* Wishes, good and bad. */
#include "os/wanted.h"

#include <errno.h>
#include <stdio.h>

#include "base/test.h"
#include "base/why.h"

static struct wanted wanted;
static struct why why;
static size_t at;

TEST(words_of_each_kind_match_their_names)
{
	CHECK_EQ(wanted_parse("  unit/*.service\tname/post*  pid/42 cgroup/docker/*", &wanted, &at,
			 &why),
		0);
	CHECK_EQ(wanted.count, 4);
	CHECK(wanted_match(&wanted, HOST_UNIT, "nginx.service"));
	CHECK(!wanted_match(&wanted, HOST_UNIT, "nginx.scope"));
	CHECK(wanted_match(&wanted, HOST_NAMED, "postgres"));
	CHECK(!wanted_match(&wanted, HOST_NAMED, "nginx.service"));
	CHECK(wanted_match(&wanted, HOST_CGROUP, "docker/a/b"));
	CHECK_EQ(wanted.at[2].pid, 42);
	CHECK(wanted_any(&wanted, HOST_PID));
	CHECK_EQ(wanted_parse("", &wanted, &at, &why), 0);
	CHECK(!wanted_any(&wanted, HOST_UNIT));
}

static void refused(const char *text, size_t where, const char *said)
{
	struct wanted before = wanted;
	CHECK_EQ(wanted_parse(text, &wanted, &at, &why), -EINVAL);
	CHECK_STR(why.text, said);
	CHECK_EQ(at, where);
	CHECK_EQ(wanted.count, before.count);
}

TEST(what_is_wrong_is_told_with_what_to_write)
{
	refused("unit/a nginx", 7,
		"'nginx' is no kind of program: write unit/NAME, cgroup/PATH, name/NAME or "
		"pid/NUMBER; * in a name stands for any");
	refused("unit", 0,
		"'unit' says not which: write unit/ and a name, as in unit/nginx.service");
	refused("name/", 0, "'name/' says not which: write name/ and a name, as in name/postgres");
	refused(" pid/12a", 1, "'pid/12a': write the number of a process");
	refused("pid/0", 0, "'pid/0': processes have the numbers 1 to 4194304");
	refused("pid/99999999999999999999", 0,
		"'pid/99999999999999999999': write the number of a process");
}

TEST(there_is_an_end_to_words_and_their_length)
{
	char text[WANTED_TEXT] = "";
	size_t len = 0;
	for (int i = 0; i <= WANTED_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "name/a ");
	refused(text, 7 * WANTED_MAX, "more than 32 words: let * stand for several");
	memset(text, 'a', WANTED_GLOB);
	memcpy(text, "name/", 5);
	text[WANTED_GLOB] = '\0';
	refused(text, 0, "a word of 128 bytes: 127 are allowed");
}

TEST_MAIN
