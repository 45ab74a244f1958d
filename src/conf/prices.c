/* SPDX-License-Identifier: Apache-2.0 */
/* Places that people name, each with a text. */
#include "conf/prices.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "conf/document.h"
#include "conf/keys.h"

struct reading {
	struct conf_prices *prices;
	conf_price_fn *check;
	struct conf_errors *errors;
};

static void trim(char *place)
{
	size_t len = strlen(place);
	while (len > 1 && place[len - 1] == '/')
		place[--len] = '\0';
}

const struct conf_price *conf_prices_find(const struct conf_prices *prices, const char *place)
{
	char plain[CONF_PATH_MAX + 1];
	if (strlen(place) > CONF_PATH_MAX)
		return NULL;
	snprintf(plain, sizeof(plain), "%s", place);
	trim(plain);
	vec_each (price, &prices->list)
		if (strcmp(price->place, plain) == 0)
			return price;
	return NULL;
}

static bool is_place(const char *text)
{
	return *text == '/' || strstr(text, "://");
}

static int read_price(void *arg, const struct conf_section *section, const yaml_node_pair_t *pair)
{
	struct reading *reading = arg;
	const yaml_node_t *key = yaml_document_get_node(section->document, pair->key);
	const yaml_node_t *value = yaml_document_get_node(section->document, pair->value);
	const char *place = conf_node_text(key), *text = conf_node_text(value);
	char shown[CONF_SHOWN], name[CONF_SHOWN + 8];
	struct conf_price price;
	struct why why = {""};
	memset(&price, 0, sizeof(price));
	conf_shown(place, strlen(place), shown);
	snprintf(name, sizeof(name), "prices.%s", shown);
	if (!is_place(place) || strlen(place) > CONF_PATH_MAX)
		conf_error(reading->errors, conf_node_place(section, key), name,
			"is no place: write the absolute path of a folder, or a URL as s3://...");
	else if (conf_prices_find(reading->prices, place))
		conf_error(reading->errors, conf_node_place(section, key), name, "is set twice");
	else if (!*text || strlen(text) > CONF_PRICE_MAX)
		conf_error(reading->errors, conf_node_place(section, value), name,
			"has no value that fits: write prices with blanks between them");
	else if (reading->check && reading->check(text, &why))
		conf_error(reading->errors, conf_node_place(section, value), name, "%s", why.text);
	else if (reading->prices->list.len == CONF_PRICES_MAX)
		conf_error(reading->errors, conf_node_place(section, key), name,
			"there are more than %d", CONF_PRICES_MAX);
	else {
		snprintf(price.place, sizeof(price.place), "%s", place);
		snprintf(price.price, sizeof(price.price), "%s", text);
		trim(price.place);
		return vec_push(&reading->prices->list, price);
	}
	return 0;
}

int conf_prices_read(const struct conf_file *files, size_t count, conf_price_fn *check,
	struct conf_prices *ret, struct conf_errors *errors)
{
	OWN(conf_prices_done) struct conf_prices prices = {0};
	struct reading reading = {&prices, check, errors};
	size_t found_before = errors->count;
	int err = 0;
	for (size_t i = 0; !err && i < count && !conf_errors_full(errors); i++)
		err = conf_document_each(
			&files[i], CONF_PRICES_SECTION, read_price, &reading, errors);
	if (!err && errors->count > found_before)
		err = -EINVAL;
	if (!err) {
		*ret = prices;
		prices = (struct conf_prices){0};
	}
	return err;
}

void conf_prices_done(struct conf_prices *prices)
{
	vec_done(&prices->list);
}

/* JSON's quotes are YAML's, too. */
static void add_quoted(struct str *text, const char *value)
{
	json_t *string = json_string(value);
	char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
	json_decref(string);
	if (quoted)
		str_add(text, quoted);
	else
		text->failed = true;
	free(quoted);
}

void conf_prices_show(const struct conf_prices *prices, struct str *text)
{
	if (prices->list.len)
		str_add(text, CONF_PRICES_SECTION ":\n");
	vec_each (price, &prices->list) {
		str_add(text, "  ");
		add_quoted(text, price->place);
		str_add(text, ": ");
		add_quoted(text, price->price);
		str_add(text, "\n");
	}
}

json_t *conf_prices_json(const struct conf_prices *prices)
{
	json_t *object = json_object();
	vec_each (price, &prices->list)
		json_object_set_new(object, price->place, json_string(price->price));
	return object;
}

void conf_prices_sample(struct str *text)
{
	str_add(text,
		"\n# What places cost, for `ebb backup -n`: prices with blanks between them, in "
		"whatever currency.\n"
		"#" CONF_PRICES_SECTION ":\n"
		"  #s3://bucket/ebb: 0.0036/GiB-month 0.005/1000-puts\n"
		"  #/mnt/backup/ebb: 0.001/GiB-month\n");
}
