/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the configuration, and the commands that check and show it. */
#include "ebb/config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "conf/show.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/price.h"
#include "os/linux/textfile.h"

#define DEFAULT_CONFIG "/etc/ebb/ebb.yaml"

static const struct conf_reader reader = {textfile_read, textfile_list};

int config_choose(const struct call *call, struct config_source *ret_source)
{
	const struct args *args = &call->args;
	const char *state = args->values[OPTION_STATE];
	struct config_source source = {0};
	if (args_given(args, OPTION_CONFIG))
		source.path = args->values[OPTION_CONFIG];
	else if (call->config_env && *call->config_env)
		source.path = call->config_env;
	else
		source.optional = true;
	if (source.optional)
		source.path = DEFAULT_CONFIG;
	if (state) {
		bool absolute = state[0] == '/';
		int len = snprintf(source.state, sizeof(source.state), "%s%s%s",
			absolute ? "" : call->work_folder, absolute ? "" : "/", state);
		if (len > CONF_PATH_MAX)
			return call_fail(EXIT_USAGE, "--state: the path is too long");
	}
	*ret_source = source;
	return EXIT_OK;
}

/* For commands whose operand is the FILE. */
static int choose_file(const struct call *call, struct config_source *ret_source)
{
	const struct args *args = &call->args;
	if (args->operand_count && args_given(args, OPTION_CONFIG))
		return call_fail(EXIT_USAGE, "FILE and --config name the same thing: give one");
	int code = config_choose(call, ret_source);
	if (!code && args->operand_count) {
		ret_source->path = args->operands[0];
		ret_source->optional = false;
	}
	return code;
}

static void say_errors(const struct conf_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		fprintf(stderr, "%s\n", errors->at[i].text);
	if (errors->more)
		fprintf(stderr, "and there may be more\n");
}

/* A failure that is about no line of a file. */
static int say_one(struct conf_errors *errors, const char *text)
{
	errors->at[0] = (struct why){0};
	snprintf(errors->at[0].text, sizeof(errors->at[0].text), "%s", text);
	errors->count = 1;
	say_errors(errors);
	return EXIT_FAILED;
}

static int check_prices(const char *text, struct why *why)
{
	struct price price = {0};
	return price_add_all(&price, text, why);
}

int config_read(const struct config_source *source, struct config *ret_config)
{
	struct why why = {0};
	struct config *config = ret_config;
	*config = (struct config){0};
	if (conf_files_load(&reader, source->path, source->optional, &config->files, &why))
		return say_one(&config->errors, why.text);
	int err = conf_parse(config->files.list.at, config->files.list.len,
		source->state[0] ? source->state : NULL, &config->conf, &config->errors);
	if (!err)
		err = conf_protects_read(config->files.list.at, config->files.list.len,
			&config->protects, &config->errors);
	if (!err)
		err = conf_prices_read(config->files.list.at, config->files.list.len, check_prices,
			&config->prices, &config->errors);
	if (!err)
		err = conf_watched_read(config->files.list.at, config->files.list.len,
			&config->watched, &config->errors);
	if (!err)
		err = conf_notifies_read(config->files.list.at, config->files.list.len,
			&config->notifies, &config->errors);
	if (err == -ENOMEM)
		return say_one(&config->errors, "no memory");
	if (err)
		say_errors(&config->errors);
	return err ? EXIT_FAILED : EXIT_OK;
}

int config_find(const struct call *call, struct config *ret_config)
{
	struct config_source source;
	int code = config_choose(call, &source);
	return code ? code : config_read(&source, ret_config);
}

void config_done(struct config *config)
{
	conf_protects_done(&config->protects);
	conf_prices_done(&config->prices);
	conf_watched_done(&config->watched);
	conf_notifies_done(&config->notifies);
	conf_files_done(&config->files);
}

static int print_check_json(bool ok, const struct config *config)
{
	json_t *names = json_array(), *mistakes = json_array();
	vec_each (file, &config->files.list)
		json_array_append_new(names, json_string(file->name));
	for (size_t i = 0; i < config->errors.count; i++)
		json_array_append_new(mistakes, json_string(config->errors.at[i].text));
	json_t *document = json_pack("{s:s,s:b,s:o,s:o,s:b}", "type", "config-check", "ok", ok,
		"files", names, "errors", mistakes, "more", config->errors.more);
	return call_print_json(document);
}

int call_config_check(const struct call *call)
{
	OWN(config_done) struct config config = {0};
	OWN(str_done) struct str text = {0};
	struct config_source source;
	int code = choose_file(call, &source);
	if (code)
		return code;
	code = config_read(&source, &config);
	if (args_given(&call->args, OPTION_JSON)) {
		int printed = print_check_json(code == EXIT_OK, &config);
		return code ? code : printed;
	}
	if (code)
		return code;
	size_t set = 0;
	for (size_t i = 0; i < CONF_KEYS; i++)
		set += config.conf.from[i].from == CONF_FROM_FILE;
	vec_each (file, &config.files.list)
		str_addf(&text, "%s%s", text.len ? ", " : "", file->name);
	str_addf(&text, "%s, %zu of %d keys set",
		text.len ? ": no mistakes" : "no file: all defaults", set, (int)CONF_KEYS);
	if (config.protects.list.len)
		str_addf(&text, ", %zu to protect", config.protects.list.len);
	if (conf_watched_count(&config.watched))
		str_addf(&text, ", %zu to watch", conf_watched_count(&config.watched));
	if (config.notifies.list.len)
		str_addf(&text, ", %zu to notify", config.notifies.list.len);
	str_add(&text, "\n");
	return call_print(&text);
}

int call_config_show(const struct call *call)
{
	OWN(config_done) struct config config = {0};
	OWN(str_done) struct str text = {0};
	struct config_source source;
	int code = choose_file(call, &source);
	if (!code)
		code = config_read(&source, &config);
	if (code)
		return code;
	const struct conf_file *files = config.files.list.at;
	if (args_given(&call->args, OPTION_JSON))
		conf_show_json(&config.conf,
			&(struct conf_sections){&config.protects, &config.prices, &config.watched,
				&config.notifies},
			files, config.files.list.len, &text);
	else
		conf_show(&config.conf, files, &text);
	if (!args_given(&call->args, OPTION_JSON)) {
		conf_protects_show(&config.protects, &text);
		conf_notifies_show(&config.notifies, &text);
		conf_prices_show(&config.prices, &text);
		conf_watched_show(&config.watched, &text);
	}
	return call_print(&text);
}

int call_config_sample(const struct call *call)
{
	(void)call;
	OWN(str_done) struct str text = {0};
	conf_sample(&text);
	return call_print(&text);
}
