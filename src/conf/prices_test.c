/* SPDX-License-Identifier: Apache-2.0 */
/* The section `prices`: found by the place's name, shown as it reads, every mistake with its place.
 */
#include "conf/prices.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/test.h"
#include "base/why.h"

static int refuse_dear(const char *text, struct why *why)
{
	return strcmp(text, "dear") == 0 ? why_set(why, -EINVAL, "too dear") : 0;
}

static int read_one(const char *text, struct conf_prices *ret, struct conf_errors *errors)
{
	struct conf_file file = {"f", text, strlen(text)};
	*errors = (struct conf_errors){0};
	return conf_prices_read(&file, 1, refuse_dear, ret, errors);
}

TEST(a_place_is_found_by_its_name)
{
	OWN(conf_prices_done) struct conf_prices prices = {0}, again = {0};
	OWN(str_done) struct str text = {0};
	struct conf_errors errors;
	CHECK_EQ(
		read_one(
			"prices:\n  s3://b/p: 1/GiB 2/put\n  /mnt/a/: 3/GiB\n  '/mnt/\"b': 4/GiB\n",
			&prices, &errors),
		0);
	CHECK_EQ(prices.list.len, 3);
	CHECK_STR(conf_prices_find(&prices, "s3://b/p")->price, "1/GiB 2/put");
	CHECK_STR(conf_prices_find(&prices, "s3://b/p/")->price, "1/GiB 2/put");
	CHECK_STR(conf_prices_find(&prices, "/mnt/a")->price, "3/GiB");
	CHECK_STR(conf_prices_find(&prices, "/mnt/\"b")->price, "4/GiB");
	CHECK(!conf_prices_find(&prices, "/mnt"));
	conf_prices_show(&prices, &text);
	CHECK_EQ(read_one(str_text(&text), &again, &errors), 0);
	CHECK(again.list.len == 3 &&
		memcmp(again.list.at, prices.list.at, 3 * sizeof(*again.list.at)) == 0);
}

TEST(each_mistake_has_its_place)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"prices:\n  mnt/a: 1/GiB\n", "f:2:3: prices.mnt/a: is no place: write"},
		{"prices:\n  /a: 1/GiB\n  /a/: 1/GiB\n", "f:3:3: prices./a/: is set twice"},
		{"prices:\n  /a:\n", "f:2:6: prices./a: has no value that fits"},
		{"prices:\n  /a: [1]\n", "f:2:7: prices./a: has no value that fits"},
		{"prices:\n  /a: dear\n", "f:2:7: prices./a: too dear"},
		{"prices: 5\n", "f:1:1: prices: write a section"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		OWN(conf_prices_done) struct conf_prices prices = {0};
		struct conf_errors errors;
		CHECK_EQ(read_one(cases[i].text, &prices, &errors), -EINVAL);
		CHECK_EQ(errors.count, 1);
		if (strncmp(errors.at[0].text, cases[i].want, strlen(cases[i].want)) != 0)
			test_fail(__FILE__, __LINE__, "%s", errors.at[0].text);
	}
}

TEST_MAIN
