/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes are either refused with at least one message, or yield a configuration that, shown,
 * reads back as itself. A byte 0xff, which no YAML holds, parts the input into two files.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/notify.h"
#include "conf/prices.h"
#include "conf/protect.h"
#include "conf/show.h"
#include "conf/watched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is shown of a section is read as the same. */
static void check_sections(const struct conf_file *files, size_t count,
	struct conf_protects *protects, struct conf_prices *prices)
{
	OWN(str_done) struct str text = {0};
	OWN(conf_protects_done) struct conf_protects protects_again = {0};
	OWN(conf_prices_done) struct conf_prices prices_again = {0};
	struct conf_errors errors = {0};
	must(conf_protects_read(files, count, protects, &errors) == 0);
	if (conf_prices_read(files, count, NULL, prices, &errors))
		*prices = (struct conf_prices){0};
	conf_protects_show(protects, &text);
	conf_prices_show(prices, &text);
	must(!str_error(&text));
	struct conf_file shown = {"shown", text.len ? text.at : "", text.len};
	errors = (struct conf_errors){0};
	must(conf_protects_read(&shown, 1, &protects_again, &errors) == 0);
	must(conf_prices_read(&shown, 1, NULL, &prices_again, &errors) == 0);
	must(protects_again.list.len == protects->list.len);
	must(prices_again.list.len == prices->list.len);
	must(!prices->list.len ||
		memcmp(prices_again.list.at, prices->list.at,
			prices->list.len * sizeof(*prices->list.at)) == 0);
}

static void check_accepted(const struct conf *conf, const struct conf_file *files, size_t count)
{
	OWN(conf_protects_done) struct conf_protects protects = {0};
	OWN(conf_prices_done) struct conf_prices prices = {0};
	OWN(conf_watched_done) struct conf_watched watched = {0};
	OWN(conf_notifies_done) struct conf_notifies notifies = {0};
	const struct conf_sections sections = {&protects, &prices, &watched, &notifies};
	OWN(str_done) struct str text = {0}, json = {0};
	struct conf again;
	struct conf_errors errors = {0};
	conf_show(conf, files, &text);
	check_sections(files, count, &protects, &prices);
	must(conf_watched_read(files, count, &watched, &errors) == 0);
	must(conf_notifies_read(files, count, &notifies, &errors) == 0);
	conf_watched_show(&watched, &text);
	conf_notifies_show(&notifies, &text);
	conf_show_json(conf, &sections, files, count, &json);
	must(!str_error(&text) && !str_error(&json));
	struct conf_file shown = {"shown", text.at, text.len};
	must(conf_parse(&shown, 1, NULL, &again, &errors) == 0);
	must(memcmp(conf, &again, offsetof(struct conf, from)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *cut = len ? memchr(data, 0xff, len) : NULL;
	size_t first = cut ? (size_t)(cut - data) : len;
	/* Copies of exact size, so that a sanitizer sees the first byte read too far. */
	OWN(own_free) char *a = malloc(first ? first : 1);
	OWN(own_free) char *b = malloc(len - first ? len - first : 1);
	must(a && b);
	if (first)
		memcpy(a, data, first);
	if (cut)
		memcpy(b, cut + 1, len - first - 1);
	struct conf_file files[2] = {
		{"a.yaml", a, first},
		{"b.yaml", b, cut ? len - first - 1 : 0},
	};
	struct conf conf;
	struct conf_errors errors;
	int err = conf_parse(files, cut ? 2 : 1, NULL, &conf, &errors);
	must((err != 0) == (errors.count != 0));
	if (!err)
		check_accepted(&conf, files, cut ? 2 : 1);
	return 0;
}
