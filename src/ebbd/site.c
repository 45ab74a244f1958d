/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets are read once, at the start, and wiped when the server has what it needs of them. */
#include "ebbd/site.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/why.h"
#include "conf/conf.h"
#include "os/linux/textfile.h"
#include "web/web.h"

enum { SECRET_MAX = 64 << 10 };

struct secret {
	char *text;
	size_t len;
};

static int read_secret(const char *key, const char *path, struct secret *ret, struct why *why)
{
	if (!*path)
		return 0;
	int err = textfile_read(path, SECRET_MAX, &ret->text, &ret->len, why);
	return err ? why_prefix(why, err, "%s", key) : 0;
}

static void wipe(struct secret *secret)
{
	if (secret->text)
		explicit_bzero(secret->text, secret->len);
	free(secret->text);
}

int site_open(const struct site_of *of, struct web **ret_web, struct why *why)
{
	const struct conf_http *http = &of->conf->http;
	struct secret token = {0}, certificate = {0}, key = {0};
	int err = read_secret("http.token_file", http->token_file, &token, why);
	if (!err)
		err = read_secret("http.certificate", http->certificate, &certificate, why);
	if (!err)
		err = read_secret("http.private_key", http->private_key, &key, why);
	const struct web_options options = {
		.world = of->world,
		.node = of->node,
		.version = of->version,
		.uid = geteuid(),
		.http = http,
		.listen_chosen = of->conf->from[CONF_HTTP_LISTEN].from != CONF_FROM_DEFAULT,
		.socket_chosen = of->conf->from[CONF_HTTP_SOCKET].from != CONF_FROM_DEFAULT,
		.secrets = {token.text, token.len, certificate.text, key.text},
	};
	if (!err)
		err = web_open(&options, ret_web, why);
	wipe(&token);
	wipe(&certificate);
	wipe(&key);
	return err;
}
