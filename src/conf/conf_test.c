/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as a whole. What each single mistake says stands in tests/golden/conf. */
#include "conf/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/test.h"
#include "base/units.h"
#include "conf/keys.h"
#include "conf/notify.h"
#include "conf/prices.h"
#include "conf/protect.h"
#include "conf/show.h"
#include "conf/watched.h"

static struct conf_file file_of(const char *name, const char *text)
{
	return (struct conf_file){name, text, strlen(text)};
}

TEST(no_file_means_all_defaults)
{
	struct conf conf;
	struct conf_errors errors;
	CHECK_EQ(conf_parse(NULL, 0, NULL, &conf, &errors), 0);
	CHECK_STR(conf.node_name, "local");
	CHECK_STR(conf.node_region, "home");
	CHECK_STR(conf.state, "/var/lib/ebb");
	CHECK_EQ(conf.log_level, LOG_INFO);
	CHECK_EQ(conf.log_format, CONF_LOG_AUTO);
	CHECK_EQ(conf.loop_tick_ns, 10 * NS_PER_SEC);
	CHECK_STR(conf.control_socket, "/var/lib/ebb/ebbd.sock");
	CHECK_STR(conf.vold_socket, "/var/lib/ebb/vold.sock");
}

TEST(option_wins_over_the_file_and_moves_the_sockets)
{
	struct conf_file file = file_of("a.yaml", "state: /srv/a\nvold: {socket: /run/v.sock}\n");
	struct conf conf;
	struct conf_errors errors;
	CHECK_EQ(conf_parse(&file, 1, NULL, &conf, &errors), 0);
	CHECK_STR(conf.control_socket, "/srv/a/ebbd.sock");
	CHECK_EQ(conf_parse(&file, 1, "/srv/b/", &conf, &errors), 0);
	CHECK_STR(conf.state, "/srv/b");
	CHECK_STR(conf.control_socket, "/srv/b/ebbd.sock");
	CHECK_STR(conf.vold_socket, "/run/v.sock");
	CHECK_EQ(conf.from[CONF_STATE].from, CONF_FROM_OPTION);
	CHECK_EQ(conf.from[CONF_VOLD_SOCKET].from, CONF_FROM_FILE);
	CHECK_EQ(conf.from[CONF_VOLD_SOCKET].line, 2);
	CHECK_EQ(conf.from[CONF_VOLD_SOCKET].column, 8);
	CHECK_EQ(conf_parse(&file, 1, "b", &conf, &errors), -EINVAL);
	CHECK_STR(errors.at[0].text, "--state: 'b' is not an absolute path: begin it with /");
}

TEST(second_file_may_extend_a_section_but_not_repeat_a_key)
{
	struct conf_file files[] = {file_of("a.yaml", "log:\n  level: warn\n"),
		file_of("conf.d/b.yaml", "log:\n  format: journal\n"),
		file_of("conf.d/c.yaml", "node: {name: c}\nlog:\n  level: warn\n")};
	struct conf conf;
	struct conf_errors errors;
	CHECK_EQ(conf_parse(files, 2, NULL, &conf, &errors), 0);
	CHECK_EQ(conf.log_level, LOG_WARN);
	CHECK_EQ(conf.log_format, CONF_LOG_JOURNAL);
	CHECK_EQ(conf_parse(files, 3, NULL, &conf, &errors), -EINVAL);
	CHECK_EQ(errors.count, 1);
	CHECK_STR(errors.at[0].text, "conf.d/c.yaml:3:3: log.level: is already set at a.yaml:2:3");
}

TEST(mistakes_of_all_files_are_told)
{
	struct conf_file files[] = {file_of("a.yaml", "state: x\nloop: {tick: 5}\n"),
		file_of("b.yaml", "log: {level: loud\n"), file_of("c.yaml", "stat: /y\n")};
	struct conf conf, before;
	struct conf_errors errors;
	memset(&conf, 0x5a, sizeof(conf));
	before = conf;
	CHECK_EQ(conf_parse(files, 3, "/z", &conf, &errors), -EINVAL);
	CHECK(memcmp(&conf, &before, sizeof(conf)) == 0);
	CHECK_EQ(errors.count, 4);
	CHECK_STR(errors.at[3].text, "c.yaml:1:1: stat: unknown key (did you mean state?)");
	CHECK(!errors.more);
}

TEST(a_mistake_in_a_named_section_hides_none_in_what_goes_together)
{
	struct conf_file files[] = {file_of("a.yaml",
		"http: {listen: \"0.0.0.0:9000\"}\n"
		"protect: {h: {path: rel, to: /x, key_file: /k, rpo: 1h}}\n")};
	struct conf conf;
	struct conf_errors errors;
	CHECK_EQ(conf_parse(files, 1, NULL, &conf, &errors), -EINVAL);
	CHECK_EQ(errors.count, 2);
	CHECK(strstr(errors.at[0].text, "a.yaml:2:11: protect.h: path is 'rel'"));
	CHECK(strstr(errors.at[1].text, "a.yaml:1:8: http.listen: other machines reach 0.0.0.0"));
}

TEST(twenty_mistakes_are_enough)
{
	OWN(str_done) struct str text = {0};
	struct conf conf;
	struct conf_errors errors;
	for (int i = 0; i < 20; i++)
		str_addf(&text, "key%d: 1\n", i);
	struct conf_file files[] = {file_of("a.yaml", str_text(&text)), file_of("b.yaml", "a: 1")};
	CHECK_EQ(conf_parse(files, 1, NULL, &conf, &errors), -EINVAL);
	CHECK_EQ(errors.count, CONF_ERRORS_MAX);
	CHECK(!errors.more);
	CHECK_EQ(conf_parse(files, 2, NULL, &conf, &errors), -EINVAL);
	CHECK_EQ(errors.count, CONF_ERRORS_MAX);
	CHECK(errors.more);
	str_add(&text, "key20: 1\n");
	files[0] = file_of("a.yaml", str_text(&text));
	CHECK_EQ(conf_parse(files, 1, NULL, &conf, &errors), -EINVAL);
	CHECK(errors.more);
}

TEST(state_folder_must_leave_room_for_its_sockets)
{
	char state[120] = "/";
	struct conf conf;
	struct conf_errors errors;
	memset(state + 1, 'a', 107 - sizeof("/ebbd.sock"));
	CHECK_EQ(conf_parse(NULL, 0, state, &conf, &errors), 0);
	CHECK_EQ(strlen(conf.control_socket), CONF_SOCKET_MAX);
	state[strlen(state)] = 'a';
	CHECK_EQ(conf_parse(NULL, 0, state, &conf, &errors), -EINVAL);
	CHECK_EQ(errors.count, 3);
	CHECK_STR(errors.at[0].text,
		"--state: state: too long for a socket in it (108 bytes, at most 107): name a "
		"shorter folder, or set control.socket");
}

TEST(more_than_a_mebibyte_is_refused)
{
	OWN(own_free) char *text = calloc(1, CONF_FILE_MAX + 1);
	struct conf_file file = {"a.yaml", text, CONF_FILE_MAX};
	struct conf conf;
	struct conf_errors errors;
	CHECK(text);
	memset(text, '#', CONF_FILE_MAX + 1);
	CHECK_EQ(conf_parse(&file, 1, NULL, &conf, &errors), 0);
	file.len++;
	CHECK_EQ(conf_parse(&file, 1, NULL, &conf, &errors), -EINVAL);
	CHECK_STR(errors.at[0].text, "a.yaml: is longer than 1MiB");
}

TEST(ten_thousand_values_are_the_limit)
{
	OWN(str_done) struct str text = {0};
	struct conf conf;
	struct conf_errors errors;
	str_add(&text, "x:\n"); /* with the top: three values, of which "x" is one */
	for (int i = 0; i < CONF_NODES_MAX - 3; i++)
		str_add(&text, "- a\n");
	struct conf_file file = file_of("a.yaml", str_text(&text));
	CHECK_EQ(conf_parse(&file, 1, NULL, &conf, &errors), -EINVAL);
	CHECK_STR(errors.at[0].text,
		"a.yaml:1:1: x: unknown key: there are node, state, log, loop, forecast, control, "
		"vold, watch, http");
	str_add(&text, "- a\n");
	file = file_of("a.yaml", str_text(&text));
	CHECK_EQ(conf_parse(&file, 1, NULL, &conf, &errors), -EINVAL);
	CHECK_STR(errors.at[0].text, "a.yaml:9999:3: holds more than 10000 values");
}

static void random_text(struct rng *rng, const char *alphabet, size_t max, char *text)
{
	size_t len = 1 + rng_below(rng, max);
	for (size_t i = 0; i < len; i++)
		text[i] = alphabet[rng_below(rng, strlen(alphabet))];
	text[len] = '\0';
}

/* What is shown reads back as the same values, whatever those are. */
TEST(shown_configuration_reads_back)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 2000; i++) {
		char name[CONF_NAME_MAX + 2] = "x", path[60] = "/", tick[UNITS_TEXT];
		random_text(&rng, "ab7._-", CONF_NAME_MAX - 1, name + (int)rng_below(&rng, 2));
		random_text(&rng, "/a \"'\\#:{}[]-?&*!|>%@`~,\xc3\xbc", 50, path + 1);
		if (name[0] != 'x' || rng_below(&rng, 9) == 0)
			snprintf(name, sizeof(name), "null");
		units_show_duration(
			NS_PER_SEC + (int64_t)rng_below(&rng, (uint64_t)(NS_PER_HOUR - NS_PER_SEC)),
			tick);
		OWN(str_done) struct str text = {0};
		str_addf(&text, "node:\n  name: '%s'\nloop:\n  tick: %s\nlog: {level: %s}\n", name,
			tick, log_level_names[rng_below(&rng, 4)]);
		struct conf_file files[2] = {file_of("a", str_text(&text))};
		struct conf conf, again;
		struct conf_errors errors;
		int err = conf_parse(files, 1, path, &conf, &errors);
		if (err) { /* the path drew a broken character or only slashes */
			CHECK(str_starts(errors.at[0].text, "--state: "));
			continue;
		}
		OWN(str_done) struct str shown = {0};
		conf_show(&conf, files, &shown);
		files[1] = file_of("shown", str_text(&shown));
		err = conf_parse(files + 1, 1, NULL, &again, &errors);
		if (err)
			test_note("%s\n%s", errors.at[0].text, str_text(&shown));
		CHECK_EQ(err, 0);
		CHECK(memcmp(&conf, &again, offsetof(struct conf, from)) == 0);
	}
}

TEST(json_carries_values_and_origins)
{
	const struct conf_protects protects = {0};
	const struct conf_prices prices = {0};
	const struct conf_watched watched = {0};
	const struct conf_notifies notifies = {0};
	const struct conf_sections none = {&protects, &prices, &watched, &notifies};
	struct conf_file file = file_of("a\"b.yaml", "loop: {tick: 1500ms}\n");
	struct conf conf;
	struct conf_errors errors;
	OWN(str_done) struct str text = {0};
	CHECK_EQ(conf_parse(&file, 1, "/s", &conf, &errors), 0);
	conf_show_json(&conf, &none, &file, 1, &text);
	CHECK(str_starts(str_text(&text),
		"{\"type\":\"config\",\"files\":[\"a\\\"b.yaml\"],"
		"\"keys\":{\"node.name\":{\"value\":\"local\","
		"\"source\":\"default\"}"));
	CHECK(strstr(str_text(&text), "\"state\":{\"value\":\"/s\",\"source\":\"option\"}"));
	CHECK(strstr(str_text(&text),
		"\"loop.tick\":{\"value\":1.5,\"source\":\"file\","
		"\"file\":\"a\\\"b.yaml\",\"line\":1,\"column\":8}"));
}

/* With every comment sign before a key taken off, the sample file sets each key to its default. */
TEST(sample_tells_the_defaults)
{
	OWN(str_done) struct str sample = {0};
	struct conf plain, conf;
	struct conf_errors errors;
	conf_sample(&sample);
	struct conf_file file = file_of("sample", str_text(&sample));
	CHECK_EQ(conf_parse(NULL, 0, NULL, &plain, &errors), 0);
	CHECK_EQ(conf_parse(&file, 1, NULL, &conf, &errors), 0);
	CHECK(memcmp(&plain, &conf, sizeof(conf)) == 0);
	for (char *c = sample.at; (c = strchr(c, '#')); c++)
		if (c[1] != ' ')
			memmove(c, c + 1, strlen(c)); /* the NUL with it */
	file = file_of("sample", sample.at);
	CHECK_EQ(conf_parse(&file, 1, NULL, &conf, &errors), 0);
	CHECK(memcmp(&plain, &conf, offsetof(struct conf, from)) == 0);
	for (size_t i = 0; i < CONF_KEYS; i++)
		CHECK_EQ(conf.from[i].from, CONF_FROM_FILE);
}

/* What the walk, the sample and the messages take for granted of the table. */
TEST(table_of_keys_is_sound)
{
	for (size_t i = 0; i < conf_schema.count; i++) {
		const struct conf_key *key = &conf_schema.keys[i], *before = key - (i > 0);
		CHECK(key->path && key->help && key->fallback);
		CHECK(strlen(key->path) < CONF_KEY_PATH && !strchr(key->help, '\n'));
		CHECK(!conf_schema_has_section(&conf_schema, key->path));
		CHECK_EQ(conf_schema_find(&conf_schema, key->path), i);
		CHECK_EQ(key->type == CONF_WORD, key->words != NULL);
		size_t section = strcspn(key->path, ".") + 1;
		bool opens = strncmp(key->path, before->path, section) != 0;
		for (size_t j = 0; opens && key->path[section - 1] && j < i; j++)
			CHECK(strncmp(conf_schema.keys[j].path, key->path, section) != 0);
	}
}

TEST_MAIN
