/* SPDX-License-Identifier: Apache-2.0 */
/* From files to a configuration and its hash. */
#include "ebbd/config.h"

#include <string.h>

#include "base/hash.h"
#include "base/own.h"
#include "base/why.h"
#include "conf/files.h"
#include "os/linux/textfile.h"

static const struct conf_reader reader = {.read = textfile_read, .list = textfile_list};

int config_read(const struct config_source *source, struct config *ret_config,
	struct conf_errors *ret_errors)
{
	OWN(conf_files_done) struct conf_files files = {0};
	struct config config = {0};
	*ret_errors = (struct conf_errors){0};
	int err = conf_files_load(
		&reader, source->path, source->optional, &files, &ret_errors->at[0]);
	if (err) {
		ret_errors->count = 1;
		return err;
	}
	err = conf_parse(files.list.at, files.list.len, source->state, &config.conf, ret_errors);
	if (!err)
		err = conf_watched_read(files.list.at, files.list.len, &config.watched, ret_errors);
	if (!err)
		err = conf_protects_read(
			files.list.at, files.list.len, &config.protects, ret_errors);
	if (!err)
		err = conf_notifies_read(
			files.list.at, files.list.len, &config.notifies, ret_errors);
	if (err) {
		if (!ret_errors->count)
			why_errno(&ret_errors->at[ret_errors->count++], err, "%s", source->path);
		config_done(&config);
		return err;
	}
	for (size_t i = 0; i < files.list.len; i++) {
		const struct conf_file *file = &files.list.at[i];
		config.hash = hash64_two(
			file->name, strlen(file->name) + 1, file->text, file->len, config.hash);
	}
	*ret_config = config;
	return 0;
}

void config_done(struct config *config)
{
	conf_watched_done(&config->watched);
	conf_protects_done(&config->protects);
	conf_notifies_done(&config->notifies);
}
