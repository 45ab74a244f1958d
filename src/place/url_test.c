/* SPDX-License-Identifier: Apache-2.0 */
/* Names of places: what is understood, and what each mistake is told. */
#include "place/url.h"

#include <errno.h>

#include "base/test.h"
#include "base/why.h"

TEST(paths_and_file_urls_are_folders)
{
	struct place_url url;
	struct why why;
	CHECK_EQ(place_url_read("/mnt/a b%20c", &url, &why), 0);
	CHECK_EQ(url.kind, PLACE_DIR);
	CHECK_STR(url.path, "/mnt/a b%20c");
	CHECK_EQ(place_url_read("beside/me", &url, &why), 0);
	CHECK_STR(url.path, "beside/me");
	CHECK_EQ(place_url_read("file:///mnt/a%20b%2a", &url, &why), 0);
	CHECK_STR(url.path, "/mnt/a b*");
	CHECK_EQ(place_url_read("a:b//c", &url, &why), 0);
	CHECK_STR(url.path, "a:b//c");
}

static void refused(const char *text, const char *words)
{
	struct place_url url;
	struct why why = {""};
	CHECK_EQ(place_url_read(text, &url, &why), -EINVAL);
	CHECK_STR(why.text, words);
}

TEST(mistakes_are_told)
{
	char longer[PLACE_PATH + 8];
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	refused("", "a place has a name");
	refused(longer, "the path is too long");
	refused("file://host/path",
		"file:// wants a whole path behind it, as in file:///mnt/backup");
	refused("file:///a%2", "the path is too long, or has a broken % escape");
	refused("file:///a%00b", "the path is too long, or has a broken % escape");
	refused("sftp://host/x", "'sftp://' is no kind of place; a path and file:// are known");
}

TEST_MAIN
