/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd without threads: it has an epoll descriptor of its own, which our loop watches. It
 * accepts nothing itself; connections are handed to it.
 */
#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/world.h"
#include "web/inside.h"

/* Names are compared as they came (request.h decodes them, once). */
static size_t leave_encoded(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg, (void)connection;
	return strlen(text);
}

static void go_on(struct engine *engine)
{
	MHD_UNSIGNED_LONG_LONG ms;
	MHD_run(engine->daemon);
	if (MHD_get_timeout(engine->daemon, &ms) == MHD_YES && ms == 0)
		engine_wake(engine);
}

static void on_event(struct watch *watch, uint32_t events)
{
	(void)events;
	go_on(container_of(watch, struct engine, watch));
}

static void on_soon(struct timer *timer)
{
	go_on(container_of(timer, struct engine, soon));
}

void engine_wake(struct engine *engine)
{
	struct world *world = engine->web->world;
	if (engine->daemon)
		timer_set(world->loop, &engine->soon, clock_mono_ns(world->clock));
}

static struct MHD_Daemon *start(
	struct engine *engine, unsigned flags, const struct MHD_OptionItem *more)
{
	return MHD_start_daemon(flags, 0, NULL, NULL, ask_goes_on, engine->web,
		MHD_OPTION_URI_LOG_CALLBACK, ask_begins, engine->web, MHD_OPTION_NOTIFY_COMPLETED,
		ask_ends, engine->web, MHD_OPTION_NOTIFY_CONNECTION, clients_notify, engine->web,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WEB_HEADERS_MAX,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)(WEB_CLIENTS + WEB_LEAVING),
		MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}

int engine_start(struct engine *engine, struct web *web, const char *certificate,
	const char *private_key, struct why *why)
{
	unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
	union {
		const char *borrowed;
		void *passed;
	} chain = {certificate}, key = {private_key},
	  priorities = {"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"};
	const struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, chain.passed},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, key.passed},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, priorities.passed},
		{MHD_OPTION_END, 0, NULL},
	};
	const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	*engine = (struct engine){.web = web};
	engine->daemon = start(
		engine, flags | (certificate ? MHD_USE_TLS : 0U), certificate ? tls : none);
	if (!engine->daemon)
		return why_set(why, -EINVAL,
			certificate ? "http.certificate, http.private_key: they cannot be used; do "
				      "they belong together, in PEM?"
				    : "libmicrohttpd cannot start");
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(
		engine->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	engine->soon.fn = on_soon;
	engine->watch = (struct watch){.fd = info ? info->epoll_fd : -1, .fn = on_event};
	int err = watch_add(linux_loop_of(web->world->loop), &engine->watch, EPOLLIN);
	if (err) {
		MHD_stop_daemon(engine->daemon);
		engine->daemon = NULL;
		return why_errno(why, err, "libmicrohttpd on the event loop");
	}
	return 0;
}

void engine_stop(struct engine *engine)
{
	if (!engine->daemon)
		return;
	timer_cancel(engine->web->world->loop, &engine->soon);
	watch_remove(linux_loop_of(engine->web->world->loop), &engine->watch);
	MHD_stop_daemon(engine->daemon);
	engine->daemon = NULL;
}
