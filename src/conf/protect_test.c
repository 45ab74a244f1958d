/* SPDX-License-Identifier: Apache-2.0 */
/* The section `protect`: values, what follows from them, and every mistake with its place. */
#include "conf/protect.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/test.h"
#include "base/units.h"

static int read_one(const char *text, struct conf_protects *ret, struct conf_errors *errors)
{
	struct conf_file file = {"f", text, strlen(text)};
	*errors = (struct conf_errors){0};
	return conf_protects_read(&file, 1, ret, errors);
}

TEST(entries_have_what_was_said_and_what_follows)
{
	OWN(conf_protects_done) struct conf_protects protects = {0};
	OWN(str_done) struct str text = {0};
	struct conf_errors errors;
	CHECK_EQ(read_one("log:\n  level: info\nprotect:\n"
			  "  home: {path: /home, to: 's3://b/p', rpo: 24h}\n"
			  "  db:\n    path: /var/lib/db\n    to: /mnt/b\n    rpo: 15m\n"
			  "    best_rpo: 5m\n    key_file: /etc/k\n    impact_percent: 20\n"
			  "    disk: sda\n  often: {path: /, to: /b, rpo: 601s}\n",
			 &protects, &errors),
		0);
	CHECK_EQ(protects.list.len, 3);
	const struct conf_protect *home = &protects.list.at[0], *db = &protects.list.at[1];
	CHECK_STR(home->name, "home");
	CHECK_STR(home->to, "s3://b/p");
	CHECK_STR(home->key_file, "");
	CHECK_STR(home->disk, "auto");
	CHECK_EQ(home->best_rpo_ns, NS_PER_HOUR);
	CHECK_EQ(home->impact_percent, 10);
	CHECK_EQ(protects.list.at[2].best_rpo_ns, 25 * NS_PER_SEC);
	CHECK_EQ(db->rpo_ns, 15 * NS_PER_MIN);
	CHECK_EQ(db->best_rpo_ns, 5 * NS_PER_MIN);
	CHECK_STR(db->key_file, "/etc/k");
	CHECK_STR(db->disk, "sda");
	CHECK_EQ(db->impact_percent, 20);
	/* What is shown reads as the same. */
	OWN(conf_protects_done) struct conf_protects again = {0};
	conf_protects_show(&protects, &text);
	CHECK_EQ(read_one(str_text(&text), &again, &errors), 0);
	CHECK_EQ(again.list.len, 3);
	CHECK(memcmp(again.list.at, protects.list.at, 3 * sizeof(*home)) == 0);
}

TEST(volumes_servers_and_hours_are_read)
{
	OWN(conf_protects_done) struct conf_protects protects = {0}, again = {0};
	OWN(str_done) struct str text = {0};
	struct conf_errors errors;
	char source[CONF_SOURCE_TEXT];
	CHECK_EQ(read_one("protect:\n  a: {volume: db, to: /b, rpo: 1h}\n"
			  "  b: {path: vol/x, to: /b, rpo: 1h, forbid: 'weekdays 08:00-18:00'}\n"
			  "  c: {postgres: 'host=/run user=ebb', to: /b, rpo: 1h, "
			  "limit: '00:00-24:00 20MB', allow: '20:00-06:00'}\n",
			 &protects, &errors),
		0);
	const struct conf_protect *all = protects.list.at;
	CHECK_STR(conf_protect_source(&all[0], source), "vol/db");
	CHECK_STR(conf_protect_source(&all[1], source), "vol/x");
	CHECK_STR(all[1].path, "");
	CHECK_STR(conf_protect_source(&all[2], source), "pg/c");
	CHECK_EQ(all[0].hours_count, 0);
	CHECK_EQ(all[1].hours_count, 1);
	CHECK_EQ(all[1].hours[0].days, 0x1f);
	CHECK_EQ(all[2].hours_count, 2);
	CHECK_EQ(all[2].hours[0].from_min, 6 * 60);
	CHECK_EQ(all[2].hours[0].until_min, 20 * 60);
	CHECK_EQ(all[2].hours[1].bytes_per_s, 20000000);
	conf_protects_show(&protects, &text);
	CHECK_EQ(read_one(str_text(&text), &again, &errors), 0);
	CHECK(memcmp(again.list.at, protects.list.at, 3 * sizeof(*all)) == 0);
}

TEST(nothing_is_said_is_nothing_to_protect)
{
	static const char *const texts[] = {
		"", "protect:\n", "log:\n  level: info\n", "protect: {}\n"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		OWN(conf_protects_done) struct conf_protects protects = {0};
		struct conf_errors errors;
		CHECK_EQ(read_one(texts[i], &protects, &errors), 0);
		CHECK_EQ(protects.list.len, 0);
	}
}

TEST(a_mistake_is_told_with_its_place_and_what_to_write)
{
	static const struct {
		const char *text, *said;
	} all[] = {
		{"protect: x\n", "f:1:1: protect: write a section: names of your choice"},
		{"protect:\n  a: 1\n",
			"f:2:3: protect.a: write a section with the keys path, "
			"volume, postgres, to,"},
		{"protect:\n  a b: {}\n", "f:2:3: protect: 'a b' is not a name"},
		{"protect:\n  a: {path: /x, to: /y, rpo: 1h, pth: /z}\n",
			"f:2:34: protect.a.pth: unknown key (did you mean path?)"},
		{"protect:\n  a: {path: /x, to: /y, rpo: 900}\n", "f:2:30: protect.a.rpo: "},
		{"protect:\n  a: {path: x, to: /y, rpo: 1h}\n",
			"f:2:3: protect.a: path is 'x', which is not absolute: begin it with /"},
		{"protect:\n  a: {path: /x, volume: v, to: /y, rpo: 1h}\n",
			"f:2:3: protect.a: has more than one of path, volume and postgres"},
		{"protect:\n  a: {postgres: 'password=x', to: /y, rpo: 1h}\n",
			"f:2:17: protect.a.postgres: a password does not belong here"},
		{"protect:\n  a: {path: /x, to: /y, rpo: 1h, forbid: '08:00-9:00'}\n",
			"f:2:42: protect.a.forbid: write hours like this"},
		{"protect:\n  a: {path: /x, to: /y, rpo: 1h, allow: '08:00-09:00', forbid: "
		 "'07:00-10:00'}\n",
			"f:2:3: protect.a: allow and forbid leave no hour of any day"},
		{"protect:\n  a: {to: /y, rpo: 1h}\n",
			"f:2:3: protect.a: path is missing: the folder"},
		{"protect:\n  a: {path: /x, to: /y, rpo: 1h, best_rpo: 1h}\n",
			"f:2:3: protect.a: best_rpo is not shorter than rpo"},
		{"protect:\n  a: {path: /x, to: /y, rpo: 1h}\n  a: {path: /x, to: /y, rpo: 1h}\n",
			"f:3:3: protect.a: there is one of this name already"},
		{"protect:\n  a: {path: /x, path: /z, to: /y, rpo: 1h}\n",
			"f:2:17: protect.a.path: is set twice"},
		{"protect:\n  a: {path: [1], to: /y, rpo: 1h}\n",
			"f:2:13: protect.a.path: has no value that fits: write a text"},
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		OWN(conf_protects_done) struct conf_protects protects = {0};
		struct conf_errors errors;
		CHECK_EQ(read_one(all[i].text, &protects, &errors), -EINVAL);
		CHECK(errors.count >= 1);
		if (!str_starts(errors.at[0].text, all[i].said))
			test_fail(__FILE__, __LINE__, "%s: '%s'", all[i].text, errors.at[0].text);
		CHECK_EQ(protects.list.len, 0);
	}
}

TEST_MAIN
