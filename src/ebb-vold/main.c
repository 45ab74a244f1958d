/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebb-vold, the data path: a process of its own, so that volumes are served on while ebbd is
 * killed, crashes or is upgraded. It reads no configuration file.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/container.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb-vold/control.h"
#include "ebb-vold/options.h"
#include "ebb-vold/secure.h"
#include "ebb-vold/serve.h"
#include "ebb-vold/traced.h"
#include "ebb-vold/volumes.h"
#include "nbd/tls.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/linux/log_sink.h"
#include "os/linux/net.h"
#include "os/linux/notify.h"
#include "os/linux/signals.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/world.h"

enum { EXIT_USAGE = 2, EXIT_LOCKED = 11 };

struct vold {
	struct options options;
	struct log_sink sink;
	struct notify notify;
	int64_t watchdog_ns;
	struct timer alive;
	struct linux_world *lw;
	struct world *world; /* that of lw */
	struct signals *signals;
	struct file *lock;
	struct traced traced;
	struct volumes *volumes;
	struct nbd_tls *tls; /* NULL: none */
	struct server *server;
	struct control *control;
	struct timer leaving;
	int64_t leave_by_ns;
};

/* How long requests that are out have to be answered when the program ends; and then the disks. */
#define LEAVE_NS (10 * NS_PER_SEC)
#define CLOSE_S 10
#define LOOK_NS (2 * NS_PER_MS)

/* Answers are on their way, or the time is over. */
static void on_leaving(struct timer *timer)
{
	struct vold *vold = container_of(timer, struct vold, leaving);
	int64_t now_ns = clock_mono_ns(vold->world->clock);
	if (server_left(vold->server) && now_ns < vold->leave_by_ns)
		timer_set(vold->world->loop, timer, now_ns + LOOK_NS);
	else
		loop_stop(vold->world->loop);
}

static void stop(void *arg)
{
	struct vold *vold = arg;
	if (vold->leave_by_ns)
		return;
	vold->leave_by_ns = clock_mono_ns(vold->world->clock) + LEAVE_NS;
	server_shut(vold->server);
	volumes_still(vold->volumes);
	vold->leaving.fn = on_leaving;
	timer_set(vold->world->loop, &vold->leaving, 0);
}

static void on_signal(void *arg, int signal)
{
	struct vold *vold = arg;
	if (signal != SIGTERM && signal != SIGINT)
		return;
	if (vold->leave_by_ns)
		_exit(EXIT_FAILURE);
	stop(vold);
}

/* The loop turns: so it can say at half the time after which the manager would lose patience. */
static void on_alive(struct timer *timer)
{
	struct vold *vold = container_of(timer, struct vold, alive);
	notify_watchdog(&vold->notify);
	timer_set(vold->world->loop, timer,
		clock_mono_ns(vold->world->clock) + vold->watchdog_ns / 2);
}

static int take_lock(struct vold *vold, struct why *why)
{
	int err = disk_open(
		vold->world->disk, "vold.lock", FILE_READ | FILE_WRITE | FILE_CREATE, &vold->lock);
	if (err)
		return why_errno(why, err, "vold.lock");
	err = file_lock(vold->lock);
	if (err == -EWOULDBLOCK)
		return why_set(why, err, "another ebb-vold is running on this state folder");
	return err ? why_errno(why, err, "vold.lock") : 0;
}

/* The number of the socket that the service manager opened under that name; -ENOENT. */
static int handed_over(const char *name, int only)
{
	int count = linux_listen_fds(getenv("LISTEN_PID"), getenv("LISTEN_FDS"));
	const char *at = getenv("LISTEN_FDNAMES");
	/* One without a name of ours is that of the verbs. */
	if (count == 1 && (!at || strcmp(at, "nbd") != 0))
		return only ? LISTEN_FDS_START : -ENOENT;
	for (int i = 0; i < count && at; i++) {
		size_t len = strcspn(at, ":");
		if (len == strlen(name) && strncmp(at, name, len) == 0)
			return LISTEN_FDS_START + i;
		at = at[len] ? at + len + 1 : NULL;
	}
	return -ENOENT;
}

static int check_handed_over(struct why *why)
{
	int count = linux_listen_fds(getenv("LISTEN_PID"), getenv("LISTEN_FDS"));
	int known = (handed_over("vold", 1) >= 0) + (handed_over("nbd", 0) >= 0);
	return count <= known ? 0
			      : why_set(why, -EINVAL,
					"%d sockets were handed over: FileDescriptorName= is to "
					"name one vold and one nbd",
					count);
}

/* Nobody checked the address of one that was handed over. */
static int check_clients_socket(const struct vold *vold, int fd, struct why *why)
{
	int domain = 0;
	socklen_t len = sizeof(domain);
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return why_errno(why, -errno, "the socket for clients that was handed over");
	if (domain == AF_UNIX || (vold->tls && !vold->options.tls_optional))
		return 0;
	return why_set(why, -EINVAL,
		"the socket for clients that was handed over is no Unix socket: give "
		"--tls-certificates and --tls-key, or --tls-psk, without --tls-optional");
}

/* The socket that the service manager opened, else our own. */
static int listen_at(struct vold *vold, const char *name, const char *path,
	struct listener **ret_listener, struct why *why)
{
	struct net *net = vold->world->net;
	bool verbs = strcmp(name, "vold") == 0;
	int fd = handed_over(name, verbs);
	int err = fd < 0 || verbs ? 0 : check_clients_socket(vold, fd, why);
	if (err)
		return err;
	if (fd >= 0)
		return linux_net_adopt(net, fd, ret_listener, why);
	char address[4096];
	int len = snprintf(address, sizeof(address), "unix:%s%s%s%s",
		path ? path : vold->options.state, path ? "" : "/", path ? "" : name,
		path ? "" : ".sock");
	if (len < 0 || (size_t)len >= sizeof(address))
		return why_set(why, -ENAMETOOLONG, "the path of the socket is too long");
	return net_listen(net, address, ret_listener, why);
}

/* The client at the other end of stdin; stdout is the same socket, or nothing is answered there. */
static int serve_single(struct vold *vold, struct why *why)
{
	struct stream *stream;
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int err = fd < 0 ? -errno : linux_net_connected(vold->world->net, fd, &stream);
	if (err) {
		if (fd >= 0)
			close(fd);
		return why_errno(why, err, "--single: stdin is to be a client's socket");
	}
	server_end_with(vold->server, stop, vold);
	server_connect(vold->server, stream);
	return 0;
}

static int listen_for_clients(struct vold *vold, struct why *why)
{
	const struct options *options = &vold->options;
	struct listener *listener;
	int err = listen_at(vold, "trace", NULL, &listener, why);
	if (err)
		return err;
	traced_listen(&vold->traced, listener);
	err = listen_at(vold, "nbd", options->nbd, &listener, why);
	if (err)
		return err;
	server_listen(vold->server, listener);
	if (!options->tcp)
		return 0;
	err = net_listen(vold->world->net, options->tcp, &listener, why);
	if (!err)
		server_listen(vold->server, listener);
	return err;
}

static int serve(struct vold *vold, struct why *why)
{
	const struct options *options = &vold->options;
	int err = secure_open(options, &vold->tls, why);
	if (!err)
		err = traced_open(&vold->traced, why);
	struct trace_writer *trace = &vold->traced.writer;
	const struct volumes_parts parts = {vold->world, options->state, trace};
	if (!err)
		err = volumes_open(&parts, &vold->volumes, why);
	if (err)
		return err;
	if (server_open(vold->world, vold->volumes, trace, &vold->server))
		return why_set(why, -ENOMEM, "out of memory");
	/* secure_check() let --tcp without TLS through on loopback only. */
	server_secure(vold->server,
		&(struct server_security){.tls = vold->tls,
			.tcp_plain = vold->tls ? options->tls_optional : options->tcp != NULL,
			.unix_tls = options->tls_unix});
	return options->single ? serve_single(vold, why) : listen_for_clients(vold, why);
}

static int open_all(struct vold *vold, struct why *why)
{
	struct listener *listener;
	int err = linux_world_open(vold->options.state, &(struct linux_options){0}, &vold->lw, why);
	if (err)
		return err;
	vold->world = linux_world(vold->lw);
	err = signals_open(vold->world->loop, on_signal, vold, &vold->signals, why);
	if (!err)
		err = take_lock(vold, why);
	if (!err)
		err = check_handed_over(why);
	if (!err)
		err = serve(vold, why);
	if (!err && vold->options.single)
		return 0;
	if (!err)
		err = listen_at(vold, "vold", vold->options.socket, &listener, why);
	if (err)
		return err;
	const struct control_parts parts = {vold->world, vold->volumes, vold->server, stop, vold};
	err = control_open(&parts, listener, geteuid(), &vold->control);
	return err ? why_set(why, err, "out of memory") : 0;
}

static void close_all(struct vold *vold)
{
	control_close(vold->control);
	if (vold->server && server_left(vold->server))
		_exit(EXIT_FAILURE); /* a request that never ends holds memory that is to be freed
				      */
	server_close(vold->server);
	if (vold->volumes)
		volumes_still(vold->volumes);
	traced_shut(&vold->traced);
	nbd_tls_free(vold->tls);
	file_close(vold->lock);
	signals_close(vold->signals);
	linux_world_close(vold->lw);
	volumes_close(vold->volumes);
	traced_close(&vold->traced);
}

/* A sync that hangs keeps nobody's connection open, nor the state folder. */
static void on_alarm(int signal)
{
	(void)signal;
	_exit(EXIT_FAILURE);
}

static void close_in_time(struct vold *vold)
{
	signal(SIGALRM, on_alarm);
	alarm(CLOSE_S);
	close_all(vold);
	alarm(0);
}

static int run(struct vold *vold)
{
	struct why why;
	struct log *log = &vold->sink.log;
	int err = open_all(vold, &why);
	if (err) {
		log_say(log, LOG_ERROR, "not started", LOG_TEXT("state", vold->options.state),
			LOG_TEXT("why", why.text));
	} else {
		log_say(log, LOG_INFO, "started", LOG_TEXT("version", EBB_VERSION),
			LOG_TEXT("state", vold->options.state));
		vold->alive.fn = on_alive;
		if (vold->watchdog_ns)
			on_alive(&vold->alive);
		notify_ready(&vold->notify);
		linux_run(vold->lw);
		/* From here on a signal ends the process at once. */
		signals_close(TAKE(vold->signals));
		notify_stopping(&vold->notify);
		timer_cancel(vold->world->loop, &vold->alive);
	}
	close_in_time(vold);
	if (!err)
		log_say(log, LOG_INFO, "ended", LOG_TEXT("how", "in order"));
	return err == -EWOULDBLOCK ? EXIT_LOCKED : err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/*
 * What must not end the process while the loop does not take its signals: at the start and at the
 * end. Signals that the loop takes reach it all the same.
 */
static void ignore_signals(void)
{
	static const int ignored[] = {SIGPIPE, SIGXFSZ, SIGHUP, SIGUSR1};
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
}

int main(int argc, char **argv)
{
	struct vold vold = {0};
	struct why why;
	OWN(str_done) struct str text = {0};
	(void)argc;
	enum options_next next = options_read(argv, &vold.options, &text);
	if (next != OPTIONS_RUN) {
		fputs(str_text(&text), next == OPTIONS_SAY ? stdout : stderr);
		return next == OPTIONS_SAY ? EXIT_SUCCESS : EXIT_USAGE;
	}
	log_sink_init(&vold.sink, STDERR_FILENO, LOG_INFO, getenv("JOURNAL_STREAM"));
	ignore_signals();
	int err = notify_init(&vold.notify, getenv("NOTIFY_SOCKET"), &why);
	if (!err)
		err = notify_watchdog_ns(
			getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), &vold.watchdog_ns, &why);
	if (err) {
		log_say(&vold.sink.log, LOG_ERROR, "not started", LOG_TEXT("why", why.text));
		return EXIT_FAILURE;
	}
	int code = run(&vold);
	notify_done(&vold.notify);
	return code;
}
