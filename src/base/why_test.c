/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences about failures: set, prefixed, cut to their room, or not wanted at all. */
#include "base/why.h"

#include <errno.h>

#include "base/test.h"

TEST(the_error_goes_through)
{
	struct why why;
	CHECK_EQ(why_set(&why, -EINVAL, "%s is %d", "x", 5), -EINVAL);
	CHECK_STR(why.text, "x is 5");
	CHECK_EQ(why_prefix(&why, -EINVAL, "file %d", 7), -EINVAL);
	CHECK_STR(why.text, "file 7: x is 5");
	CHECK_EQ(why_set(&why, -EIO, "anew"), -EIO);
	CHECK_STR(why.text, "anew");
}

TEST(the_errors_own_words)
{
	struct why why;
	CHECK_EQ(why_errno(&why, -ENOENT, "open %s", "a"), -ENOENT);
	CHECK_STR(why.text, "open a: No such file or directory");
	CHECK_EQ(why_errno(&why, -99999, "open"), -99999);
	CHECK_STR(why.text, "open: unknown error");
}

TEST(nobody_asks)
{
	CHECK_EQ(why_set(NULL, -EINVAL, "%s", "x"), -EINVAL);
	CHECK_EQ(why_errno(NULL, -EINVAL, "%s", "x"), -EINVAL);
	CHECK_EQ(why_prefix(NULL, -EINVAL, "%s", "x"), -EINVAL);
}

/* The front says where and what: it stays, and the end is cut. */
TEST(a_long_text_is_cut_at_its_end)
{
	struct why why;
	enum { MOST = sizeof(why.text) - 1 };
	char longer[600];
	memset(longer, 'l', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	why_set(&why, -EIO, "%s", longer);
	CHECK_EQ(strlen(why.text), MOST);
	why_prefix(&why, -EIO, "front");
	CHECK_EQ(strlen(why.text), MOST);
	CHECK(memcmp(why.text, "front: lll", 10) == 0);
	why_prefix(&why, -EIO, "%s", longer);
	CHECK_EQ(strlen(why.text), MOST);
	CHECK(memcmp(why.text, "lll", 3) == 0);
	why_errno(&why, -EIO, "%s", longer);
	CHECK_EQ(strlen(why.text), MOST);
	why_errno(&why, -EIO, "%.*s", (int)MOST - 4, longer);
	CHECK_STR(why.text + MOST - 6, "ll: In");
}

TEST_MAIN
