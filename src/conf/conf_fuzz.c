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
#include "conf/protect.h"
#include "conf/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_accepted(const struct conf *conf, const struct conf_file *files, size_t count)
{
	OWN(str_done) struct str text = {0}, json = {0};
	OWN(conf_protects_done) struct conf_protects protects = {0};
	struct conf again;
	struct conf_errors errors = {0};
	must(conf_protects_read(files, count, &protects, &errors) == 0);
	conf_show(conf, files, &text);
	conf_protects_show(&protects, &text);
	conf_show_json(conf, &protects, files, count, &json);
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
