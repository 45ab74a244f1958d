/* SPDX-License-Identifier: Apache-2.0 */
/* Names: one canonical form, what is refused and why, matching. */
#include "series/name.h"

#include <errno.h>

#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"

static const char *canonical(const char *text)
{
	static char out[NAME_TEXT];
	struct name name;
	struct why why = {""};
	if (name_parse(text, &name, &why))
		test_fail(__FILE__, __LINE__, "%s: %s", text, why.text);
	CHECK_EQ(name_text(&name, out), strlen(out));
	return out;
}

TEST(one_form_for_each_name)
{
	CHECK_STR(canonical("up"), "up");
	CHECK_STR(canonical(" up { } "), "up");
	CHECK_STR(canonical("a:b_1{z=\"1\",a=\"x y\"}"), "a:b_1{a=\"x y\",z=\"1\"}");
	CHECK_STR(canonical("a{b=\"\", c = \"q\\\"\\\\\\n\" ,}"), "a{c=\"q\\\"\\\\\\n\"}");
	CHECK_STR(canonical("a{b=\"\xc3\xa4\"}"), "a{b=\"\xc3\xa4\"}");
}

static const char *refusal(const char *text)
{
	static struct why why;
	struct name name;
	CHECK_EQ(name_parse(text, &name, &why), -EINVAL);
	return why.text;
}

TEST(what_is_no_name_is_told)
{
	CHECK_STR(refusal("1a"),
		"\"1a\" is no metric: at most 128 letters, digits, _ and :, no "
		"digit first");
	CHECK_STR(refusal("a b"), "text behind the metric a");
	CHECK_STR(refusal("a{b}"), "label b is followed by no \"=\"");
	CHECK_STR(refusal("a{b=\"x}"),
		"label b: its value is no quoted text of at most 512 bytes "
		"with \\\" \\\\ \\n");
	CHECK_STR(refusal("a{b=\"x\" c=\"y\"}"), "labels are parted by \",\" and end with \"}\"");
	CHECK_STR(refusal("a{b=\"1\",b=\"2\"}"), "label b stands twice");
	CHECK_STR(refusal("a{b=\"1\"}x"), "text behind the labels");
	CHECK_STR(refusal("a{b:c=\"1\"}"),
		"\"b:c\" is no label: at most 128 letters, digits and _, no digit first");
	CHECK_STR(refusal("a{b=\"\x1b[2J\"}"),
		"label b: its value is not UTF-8 of at most 512 "
		"bytes without control characters");
	CHECK_STR(refusal("a{b=\"\xff\"}"),
		"label b: its value is not UTF-8 of at most 512 "
		"bytes without control characters");
}

TEST(no_name_is_longer_than_its_bounds)
{
	struct name name;
	char text[NAME_TEXT], key[8], value[NAME_VALUE + 2];
	memset(value, '"', sizeof(value));
	CHECK_EQ(name_start(&name, "m", 1, NULL), 0);
	CHECK_EQ(name_add(&name, "k", 1, value, NAME_VALUE + 1, NULL), -EINVAL);
	CHECK_EQ(name_add(&name, "k", 1, value, NAME_VALUE, NULL), 0);
	CHECK_EQ(name_add(&name, "l", 1, value, NAME_VALUE, NULL), -EINVAL);
	CHECK(name_text(&name, text) < sizeof(text));
	CHECK_EQ(name_start(&name, "m", 1, NULL), 0);
	for (int i = 0; i < NAME_LABELS + 3; i++) {
		memcpy(key, "kaa", 4);
		key[1] = (char)('a' + i % 26);
		key[2] = (char)('a' + i / 26);
		CHECK_EQ(name_label(&name, key, "\n", NULL), i < NAME_LABELS ? 0 : -EINVAL);
	}
	CHECK(name_text(&name, text) < sizeof(text));
}

static bool match(const char *text, const char *pattern)
{
	struct name name, like;
	CHECK_EQ(name_parse(text, &name, NULL), 0);
	CHECK_EQ(name_parse(pattern, &like, NULL), 0);
	return name_matches(&name, &like);
}

TEST(a_pattern_matches_what_has_its_labels)
{
	CHECK(match("a{x=\"1\",y=\"2\"}", "a"));
	CHECK(match("a{x=\"1\",y=\"2\"}", "a{y=\"2\"}"));
	CHECK(match("a{x=\"1\",y=\"2\"}", "a{y=\"2\",x=\"1\"}"));
	CHECK(!match("a{x=\"1\"}", "b") && !match("a{x=\"1\"}", "a{x=\"12\"}"));
	CHECK(!match("a{x=\"1\"}", "a{z=\"1\"}") && !match("a", "a{x=\"1\"}"));
	CHECK(!match("a{xx=\"1\"}", "a{x=\"1\"}"));
	struct name name;
	size_t len;
	CHECK_EQ(name_parse("a{x=\"17\"}", &name, NULL), 0);
	CHECK(memcmp(name_value(&name, "x", &len), "17", 2) == 0 && len == 2);
	CHECK(!name_value(&name, "y", &len));
}

TEST_MAIN
