/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as a whole: files, then --state, then what follows from the state folder. */
#include "conf/conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "conf/keys.h"
#include "conf/notify.h"
#include "conf/protect.h"
#include "conf/read.h"
#include "conf/value.h"
#include "conf/watched.h"

/* Words of the table are numbers in the struct. */
_Static_assert(sizeof(enum log_level) == sizeof(int), "an enum is read as an int");
_Static_assert(sizeof(enum conf_log_format) == sizeof(int), "an enum is read as an int");
_Static_assert(sizeof(enum conf_loopback) == sizeof(int), "an enum is read as an int");

static struct conf_place place_of(const struct conf_file *files, const struct conf_origin *origin)
{
	if (origin->from == CONF_FROM_FILE)
		return (struct conf_place){files[origin->file].name, origin->line, origin->column};
	return (struct conf_place){origin->from == CONF_FROM_OPTION ? "--state" : "default", 0, 0};
}

/* Sockets that were not named lie in the state folder. */
static int derive(struct conf *conf, const struct conf_file *files, struct conf_errors *errors)
{
	int err = 0;
	for (size_t i = 0; i < conf_schema.count; i++) {
		const struct conf_key *key = &conf_schema.keys[i];
		if (conf->from[i].from != CONF_FROM_DEFAULT || !conf_key_is_derived(key))
			continue;
		char path[CONF_PATH_MAX + CONF_KEY_PATH];
		int len = snprintf(path, sizeof(path), "%s/%s", conf->state,
			key->fallback + strlen(CONF_DERIVED));
		must(len > 0 && (size_t)len < sizeof(path));
		if (len > key->max)
			err = conf_error(errors, place_of(files, &conf->from[CONF_STATE]), "state",
				"too long for a socket in it (%d bytes, at most %d): name a "
				"shorter folder, or set %s",
				len, (int)key->max, key->path);
		else
			must(conf_value_read(key, &(struct conf_text){path, (size_t)len, 0}, conf,
				     NULL) == 0);
	}
	return err;
}

/* What others than this machine reach must not be open to them, nor be read on its way. */
static int check_http(
	const struct conf *conf, const struct conf_file *files, struct conf_errors *errors)
{
	const struct conf_http *http = &conf->http;
	struct conf_listen listen;
	size_t at;
	struct conf_place place = place_of(files, &conf->from[CONF_HTTP_LISTEN]);
	must(conf_listen_parse(http->listen, &listen, &at, NULL) == 0);
	if (!listen.off && !listen.loopback &&
		(!*http->token_file || !*http->certificate || !*http->private_key))
		return conf_error(errors, place, "http.listen",
			"other machines reach %s: set http.token_file, http.certificate and "
			"http.private_key too, or listen on 127.0.0.1",
			listen.host);
	if (!*http->certificate != !*http->private_key)
		return conf_error(errors,
			place_of(files,
				&conf->from[*http->certificate ? CONF_HTTP_CERTIFICATE
							       : CONF_HTTP_PRIVATE_KEY]),
			*http->certificate ? "http.certificate" : "http.private_key",
			"%s is missing",
			*http->certificate ? "http.private_key" : "http.certificate");
	return 0;
}

/* Running out of memory is worse than any mistake. */
static int worse(int one, int other)
{
	return one == -ENOMEM || !other ? one : other;
}

/* The sections whose entries people name: their mistakes; what they say is read by who wants it. */
static int check_named(const struct conf_file *files, size_t count, struct conf_errors *errors)
{
	OWN(conf_protects_done) struct conf_protects protects = {0};
	OWN(conf_watched_done) struct conf_watched watched = {0};
	OWN(conf_notifies_done) struct conf_notifies notifies = {0};
	int err = conf_protects_read(files, count, &protects, errors);
	err = worse(err, conf_watched_read(files, count, &watched, errors));
	return worse(err, conf_notifies_read(files, count, &notifies, errors));
}

int conf_parse(const struct conf_file *files, size_t count, const char *state,
	struct conf *ret_conf, struct conf_errors *ret_errors)
{
	struct conf conf;
	struct why why;
	memset(&conf, 0, sizeof(conf)); /* padding too: equal configurations are equal bytes */
	*ret_errors = (struct conf_errors){0};
	int err = conf_read(&conf_schema, files, count, &conf, conf.from, ret_errors);
	if (err == -ENOMEM)
		return err;
	int named_err = check_named(files, count, ret_errors);
	if (state) {
		const struct conf_key *key = &conf_schema.keys[CONF_STATE];
		conf.from[CONF_STATE] = (struct conf_origin){.from = CONF_FROM_OPTION};
		if (conf_value_read(key, &(struct conf_text){state, strlen(state), 0}, &conf, &why))
			err = conf_error(ret_errors, place_of(files, &conf.from[CONF_STATE]), NULL,
				"%s", why.text);
	}
	if (!err)
		err = derive(&conf, files, ret_errors);
	if (!err)
		err = check_http(&conf, files, ret_errors);
	err = worse(err, named_err);
	if (!err)
		*ret_conf = conf;
	return err;
}
