/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebbd, the brain: one node on the Linux world, and all that a program owes its surroundings:
 * options, files, signals, log lines, and signs of life for the service manager.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "act/act.h"
#include "act/ledger.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebbd/config.h"
#include "ebbd/jobs.h"
#include "ebbd/options.h"
#include "ebbd/site.h"
#include "ebbd/tiers.h"
#include "ebbd/volumes.h"
#include "node/node.h"
#include "os/linux/log_sink.h"
#include "os/linux/notify.h"
#include "os/linux/signals.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/world.h"
#include "web/web.h"

enum { EXIT_USAGE = 2, EXIT_LOCKED = 11 };

struct ebbd {
	struct config_source source;
	struct config config;
	struct log_sink sink;
	bool journal; /* the journal listens, whatever the configuration says */
	struct notify notify;
	int64_t watchdog_ns;
	struct linux_world *lw;
	struct signals *signals;
	struct node *node;
	struct web *web;
	struct jobs jobs;
	struct volumes volumes;
	struct tiers *tiers;
	char address[CONF_SOCKET_MAX + sizeof("unix:")];
};

static void say_errors(struct log *log, const char *event, const struct conf_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		log_say(log, LOG_ERROR, event, LOG_TEXT("why", errors->at[i].text));
	if (errors->more)
		log_say(log, LOG_ERROR, event, LOG_TEXT("why", "there may be more mistakes"));
}

static void say_config(struct ebbd *ebbd, const char *event)
{
	char hash[17], tick[UNITS_TEXT];
	snprintf(hash, sizeof(hash), "%016" PRIx64, ebbd->config.hash);
	log_say(&ebbd->sink.log, LOG_INFO, event,
		LOG_TEXT("file", ebbd->config.hash ? ebbd->source.path : "none"),
		LOG_TEXT("hash", hash),
		LOG_TEXT("tick", units_show_duration(ebbd->config.conf.loop_tick_ns, tick)));
}

static struct node_config node_config(const struct ebbd *ebbd, const struct config *config)
{
	return (struct node_config){
		.conf = &config->conf,
		.watched = &config->watched,
		.protects = &config->protects,
		.notifies = &config->notifies,
		.path = config->hash ? ebbd->source.path : "",
		.hash = config->hash,
	};
}

/* Signs of life come once a turn of the loop: a manager that wants more must hear of it. */
static void match_watchdog(struct ebbd *ebbd)
{
	int64_t needed_ns = 3 * ebbd->config.conf.loop_tick_ns;
	if (ebbd->watchdog_ns && ebbd->watchdog_ns < needed_ns) {
		notify_watchdog_every(&ebbd->notify, needed_ns);
		ebbd->watchdog_ns = needed_ns;
	}
}

static void match_log(struct ebbd *ebbd)
{
	const struct conf *conf = &ebbd->config.conf;
	ebbd->sink.log.level = conf->log_level;
	ebbd->sink.log.journal = conf->log_format == CONF_LOG_AUTO
		? ebbd->journal
		: conf->log_format == CONF_LOG_JOURNAL;
}

/* Reads and adopts the configuration. A bad one is told and changes nothing. */
static int reload(void *arg, struct why *why)
{
	struct ebbd *ebbd = arg;
	struct conf_errors errors;
	struct config config = {0};
	notify_reloading(&ebbd->notify);
	int err = config_read(&ebbd->source, &config, &errors);
	if (err) {
		say_errors(&ebbd->sink.log, "config refused", &errors);
		why_set(why, err, errors.count > 1 ? "%s (and %zu more)" : "%s", errors.at[0].text,
			errors.count - 1);
	} else {
		struct node_config wanted = node_config(ebbd, &config);
		err = node_reload(ebbd->node, &wanted, why);
		if (err)
			log_say(&ebbd->sink.log, LOG_ERROR, "config refused",
				LOG_TEXT("why", why->text));
	}
	if (!err)
		tiers_set(ebbd->tiers, &config.protects);
	config_done(&config); /* the node has what it needs */
	if (!err) {
		ebbd->config = config;
		match_log(ebbd);
		match_watchdog(ebbd);
		say_config(ebbd, "config accepted");
	}
	notify_ready(&ebbd->notify);
	return err;
}

static void stop(void *arg)
{
	struct ebbd *ebbd = arg;
	loop_stop(linux_world(ebbd->lw)->loop);
}

/* By the zone of the process. */
static int64_t local(int64_t utc_s)
{
	time_t seconds = (time_t)utc_s;
	struct tm tm;
	return localtime_r(&seconds, &tm) ? utc_s + tm.tm_gmtoff : utc_s;
}

static void observe(void *arg, struct watch *watch)
{
	struct ebbd *ebbd = arg;
	volumes_observe(&ebbd->volumes, watch);
	tiers_observe(ebbd->tiers, watch);
}

static void on_tick(void *arg)
{
	struct ebbd *ebbd = arg;
	if (ebbd->watchdog_ns)
		notify_watchdog(&ebbd->notify);
	if (ebbd->web)
		web_turn(ebbd->web);
}

static void on_act(void *arg, const struct act_event *event)
{
	struct ebbd *ebbd = arg;
	jobs_say(&ebbd->sink.log, event);
	if (ebbd->web && event->job)
		web_job(ebbd->web, event->job->id);
}

static const char *page_url(void *arg)
{
	struct ebbd *ebbd = arg;
	return ebbd->web ? web_url(ebbd->web) : "";
}

static void on_degraded(void *arg, const char *reason)
{
	struct ebbd *ebbd = arg;
	log_say(&ebbd->sink.log, LOG_ERROR, "degraded", LOG_TEXT("why", reason));
	notify_status(&ebbd->notify, reason);
}

static void on_signal(void *arg, int signal)
{
	struct ebbd *ebbd = arg;
	struct why why;
	if (signal == SIGHUP)
		reload(ebbd, &why);
	else if (signal == SIGTERM || signal == SIGINT)
		stop(ebbd);
}

static int start_node(struct ebbd *ebbd, struct why *why)
{
	snprintf(ebbd->address, sizeof(ebbd->address), "unix:%s", ebbd->config.conf.control_socket);
	struct node_options options = {
		.version = EBB_VERSION,
		.address = ebbd->address,
		.uid = geteuid(),
		.arg = ebbd,
		.reload = reload,
		.stop = stop,
		.observe = observe,
		.on_tick = on_tick,
		.local = local,
		.ebb = ebbd->jobs.program[0] ? ebbd->jobs.program : NULL,
		.env = ebbd->jobs.env,
		.on_act = on_act,
		.url = page_url,
		.on_degraded = on_degraded,
	};
	struct node_config config = node_config(ebbd, &ebbd->config);
	return node_start(linux_world(ebbd->lw), &options, &config, &ebbd->node, why);
}

/* The node runs without it, too; but who configured it wants it. */
static int start_site(struct ebbd *ebbd, struct why *why)
{
	const struct site_of of = {
		.world = linux_world(ebbd->lw),
		.node = ebbd->node,
		.version = EBB_VERSION,
		.conf = &ebbd->config.conf,
	};
	return site_open(&of, &ebbd->web, why);
}

static void say_site(struct ebbd *ebbd)
{
	const char *url = web_url(ebbd->web), *missing = web_unlistened(ebbd->web);
	if (missing)
		log_say(&ebbd->sink.log, LOG_WARN, "no page on TCP", LOG_TEXT("why", missing));
	log_say(&ebbd->sink.log, LOG_INFO, "page", LOG_TEXT("url", *url ? url : "none"),
		LOG_TEXT("socket", ebbd->config.conf.http.socket));
}

static void say_started(struct ebbd *ebbd)
{
	struct node_facts facts = node_facts(ebbd->node);
	log_say(&ebbd->sink.log, LOG_INFO, "started", LOG_TEXT("version", EBB_VERSION),
		LOG_TEXT("node", ebbd->config.conf.node_name), LOG_TEXT("id", facts.id),
		LOG_NUM("boot", facts.boot), LOG_TEXT("previous_close", facts.previous_close),
		LOG_TEXT("state", ebbd->config.conf.state),
		LOG_TEXT("socket", ebbd->config.conf.control_socket));
	say_config(ebbd, "config accepted");
}

/* Ends in order. From the first line on a second signal ends the process at once. */
static int end(struct ebbd *ebbd)
{
	struct why why;
	signals_close(TAKE(ebbd->signals));
	notify_stopping(&ebbd->notify);
	web_close(TAKE(ebbd->web));
	ebbd->volumes.node = NULL;
	int err = node_stop(TAKE(ebbd->node), &why);
	if (err)
		log_say(&ebbd->sink.log, LOG_ERROR, "the end was not recorded",
			LOG_TEXT("why", why.text));
	else
		log_say(&ebbd->sink.log, LOG_INFO, "ended", LOG_TEXT("how", "in order"));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(struct ebbd *ebbd)
{
	struct why why;
	const char *state = ebbd->config.conf.state;
	int err = linux_world_open(state, &(struct linux_options){0}, &ebbd->lw, &why);
	if (!err)
		err = signals_open(
			linux_world(ebbd->lw)->loop, on_signal, ebbd, &ebbd->signals, &why);
	if (!err)
		volumes_init(&ebbd->volumes, linux_world(ebbd->lw), state);
	if (!err && !(ebbd->tiers = tiers_new(linux_world(ebbd->lw))))
		err = why_set(&why, -ENOMEM, "out of memory");
	if (!err)
		tiers_set(ebbd->tiers, &ebbd->config.protects);
	if (!err)
		err = start_node(ebbd, &why);
	if (!err)
		err = start_site(ebbd, &why);
	int code = err == -EWOULDBLOCK ? EXIT_LOCKED : EXIT_FAILURE;
	if (err) {
		log_say(&ebbd->sink.log, LOG_ERROR, "not started", LOG_TEXT("state", state),
			LOG_TEXT("why", why.text));
		if (ebbd->node)
			node_stop(TAKE(ebbd->node), NULL);
	} else {
		ebbd->volumes.node = ebbd->node;
		say_started(ebbd);
		say_site(ebbd);
		match_watchdog(ebbd);
		notify_ready(&ebbd->notify);
		linux_run(ebbd->lw);
		code = end(ebbd);
	}
	volumes_done(&ebbd->volumes);
	signals_close(ebbd->signals);
	linux_world_close(ebbd->lw);
	tiers_free(ebbd->tiers);
	return code;
}

static struct config_source choose_source(const struct options *options)
{
	const char *path = options->config ? options->config : getenv("EBB_CONFIG");
	return (struct config_source){
		.path = path ? path : "/etc/ebb/ebb.yaml",
		.optional = !path,
		.state = options->state,
	};
}

static int check_only(const struct ebbd *ebbd)
{
	if (ebbd->config.hash)
		printf("%s: ok\n", ebbd->source.path);
	else
		printf("%s is not there: all defaults\n", ebbd->source.path);
	return EXIT_SUCCESS;
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
	struct options options;
	OWN(str_done) struct str text = {0};
	(void)argc;
	enum options_next next = options_read(argv, &options, &text);
	if (next != OPTIONS_RUN) {
		fputs(str_text(&text), next == OPTIONS_SAY ? stdout : stderr);
		return next == OPTIONS_SAY ? EXIT_SUCCESS : EXIT_USAGE;
	}
	struct ebbd ebbd = {.source = choose_source(&options)};
	struct conf_errors errors;
	struct why why;
	log_sink_init(&ebbd.sink, STDERR_FILENO, LOG_INFO, getenv("JOURNAL_STREAM"));
	ebbd.journal = ebbd.sink.log.journal;
	ignore_signals();
	jobs_init(&ebbd.jobs, environ);
	if (config_read(&ebbd.source, &ebbd.config, &errors) != 0) {
		say_errors(&ebbd.sink.log, "config refused", &errors);
		return EXIT_USAGE;
	}
	if (options.check) {
		return check_only(&ebbd);
	}
	match_log(&ebbd);
	int err = notify_init(&ebbd.notify, getenv("NOTIFY_SOCKET"), &why);
	if (!err)
		err = notify_watchdog_ns(
			getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), &ebbd.watchdog_ns, &why);
	if (err) {
		log_say(&ebbd.sink.log, LOG_ERROR, "not started", LOG_TEXT("why", why.text));
		return EXIT_FAILURE;
	}
	int code = run(&ebbd);
	notify_done(&ebbd.notify);
	config_done(&ebbd.config);
	return code;
}
