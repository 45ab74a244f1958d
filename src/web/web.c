/* SPDX-License-Identifier: Apache-2.0 */
/* The server, put together and taken apart. */
#include "web/web.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "conf/conf.h"
#include "node/node.h"
#include "os/linux/files.h"
#include "os/linux/net.h"
#include "os/net.h"
#include "os/world.h"
#include "web/inside.h"

static void hall_open(struct hall *hall, struct listener *listener)
{
	hall->listener = listener;
	listener->on_accept = clients_accept;
	listener->arg = hall;
}

static int listen_unix(struct web *web, const struct web_options *options, struct why *why)
{
	char address[CONF_SOCKET_MAX + sizeof("unix:")];
	struct listener *listener;
	snprintf(address, sizeof(address), "unix:%s", options->http->socket);
	int err = net_listen(web->world->net, address, &listener, why);
	if (err)
		return why_prefix(why, err, "http.socket");
	web->unix_hall = (struct hall){.web = web, .engine = &web->plain, .door = DOOR_UNIX};
	hall_open(&web->unix_hall, listener);
	err = options->socket_chosen ? linux_listener_for_group(listener) : 0;
	return err ? why_errno(why, err, "http.socket: %s", options->http->socket) : 0;
}

static int listen_tcp(struct web *web, const struct web_options *options, struct why *why)
{
	struct conf_listen listen;
	struct listener *listener;
	size_t at;
	bool tls = web->tls.daemon != NULL;
	int err = conf_listen_parse(options->http->listen, &listen, &at, why);
	if (err || listen.off)
		return err;
	err = net_listen(web->world->net, listen.address, &listener, why);
	if (err == -EADDRINUSE && !options->listen_chosen) {
		why_set(&web->unlistened, err,
			"%s: another program listens there; name another "
			"port by http.listen, or 0",
			options->http->listen);
		return 0;
	}
	if (err)
		return why_prefix(why, err, "http.listen");
	web->tcp_hall = (struct hall){
		.web = web,
		.engine = tls ? &web->tls : &web->plain,
		.door = listen.loopback ? DOOR_LOOPBACK : DOOR_OPEN,
	};
	hall_open(&web->tcp_hall, listener);
	snprintf(web->address, sizeof(web->address), "%s", listen.host);
	snprintf(web->url, sizeof(web->url), "%s://%s:%d/", tls ? "https" : "http", listen.host,
		linux_listener_port(listener));
	return 0;
}

static int set_gate(struct web *web, const struct web_options *options, struct why *why)
{
	static const enum role roles[] = {[CONF_LOOPBACK_NONE] = ROLE_NONE,
		[CONF_LOOPBACK_VIEWER] = ROLE_VIEWER,
		[CONF_LOOPBACK_ADMIN] = ROLE_ADMIN};
	snprintf(web->hosts, sizeof(web->hosts), "%s", options->http->hosts);
	web->gate = (struct gate){
		.uid = options->uid,
		.loopback = roles[options->http->loopback],
		.address = web->address,
		.hosts = web->hosts,
	};
	if (!options->secrets.token)
		return 0;
	int err = gate_token(&web->gate, options->secrets.token, options->secrets.token_len, why);
	return err ? why_prefix(why, err, "http.token_file: %s", options->http->token_file) : 0;
}

static int open_page(struct web *web, const char *path, struct why *why)
{
	int err = files_open(&web->files, path, &web->site.page);
	return err ? why_errno(why, err, "http.page: %s", path) : 0;
}

int web_open(const struct web_options *options, struct web **ret_web, struct why *why)
{
	const struct web_secrets *secrets = &options->secrets;
	struct web *web = calloc(1, sizeof(*web));
	if (!web)
		return why_set(why, -ENOMEM, "out of memory");
	web->world = options->world;
	web->site = (struct site){.node = options->node, .version = options->version};
	int err = set_gate(web, options, why);
	events_begin(&web->events, node_facts(options->node).boot);
	web->files = linux_files();
	if (!err && *options->http->page)
		err = open_page(web, options->http->page, why);
	if (!err)
		err = engine_start(&web->plain, web, NULL, NULL, why);
	if (!err && secrets->certificate)
		err = engine_start(&web->tls, web, secrets->certificate, secrets->private_key, why);
	if (!err)
		err = listen_unix(web, options, why);
	if (!err)
		err = listen_tcp(web, options, why);
	if (err) {
		web_close(web);
		return err;
	}
	streams_begin(web);
	*ret_web = web;
	return 0;
}

void web_close(struct web *web)
{
	if (!web)
		return;
	listener_close(web->unix_hall.listener);
	listener_close(web->tcp_hall.listener);
	streams_end(web);
	engine_stop(&web->plain);
	engine_stop(&web->tls);
	events_done(&web->events);
	json_decref(web->last);
	folder_close(web->site.page);
	free(web);
}

const char *web_url(const struct web *web)
{
	return web->url;
}

const char *web_unlistened(const struct web *web)
{
	return web->unlistened.text[0] ? web->unlistened.text : NULL;
}
