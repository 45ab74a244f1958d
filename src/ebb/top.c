/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes just now: the trace that ebb-vold shares, read for a second. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/vec.h"
#include "base/why.h"
#include "ebb/ask.h"
#include "ebb/call.h"
#include "ebb/config.h"
#include "ebb/exit.h"
#include "os/clock.h"
#include "os/linux/share.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/world.h"
#include "trace/reader.h"

/* Twenty looks in a second, so that no record is lost whatever a thread serves. */
#define LOOK_NS (50 * NS_PER_MS)

enum { LOOKS = 20, PATIENCE_MS = 5000 };

struct top {
	struct linux_world *lw;
	struct world *world;
	struct share share;
	struct trace_reader *reader;
	struct timer timer;
	unsigned looks;
	VEC(struct trace_second) seconds;
};

static void top_done(struct top *top)
{
	trace_reader_close(top->reader);
	share_done(&top->share);
	linux_world_close(top->lw);
	vec_done(&top->seconds);
}

static int find_trace(const struct call *call, struct top *top)
{
	OWN(config_done) struct config config = {0};
	struct config_source source;
	struct why why;
	char path[CONF_PATH_MAX + sizeof("/trace.sock")];
	int code = config_choose(call, &source);
	if (!code)
		code = config_read(&source, &config);
	if (code)
		return code;
	snprintf(path, sizeof(path), "%s/trace.sock", config.conf.state);
	int err = share_take(path, TRACE_BYTES, PATIENCE_MS, &top->share, &why);
	if (err) {
		code = ask_failed(err, "ebb-vold", path, &why);
		return call_fail(code, "%s", why.text);
	}
	err = trace_reader_open(top->share.bytes, top->share.len, &top->reader, &why);
	if (!err)
		/* Rooted where nothing is made: a question leaves no trace. */
		err = linux_world_open("/", &(struct linux_options){.workers = 1}, &top->lw, &why);
	if (err)
		return call_fail(EXIT_FAILED, "%s", why.text);
	top->world = linux_world(top->lw);
	return EXIT_OK;
}

static void on_timer(struct timer *timer)
{
	struct top *top = container_of(timer, struct top, timer);
	trace_reader_step(top->reader);
	if (++top->looks == LOOKS)
		loop_stop(top->world->loop);
	else
		timer_set(top->world->loop, timer, clock_mono_ns(top->world->clock) + LOOK_NS);
}

static void ignore(void *arg, const struct trace_second *second)
{
	(void)arg;
	(void)second;
}

static double rate(uint64_t count, const struct trace_second *second)
{
	return (double)count / second->seconds;
}

static json_t *show(const struct trace_second *at)
{
	json_t *shown = json_pack("{s:s,s:f,s:I,s:I,s:I,s:f,s:I,s:I}", "name", at->name, "seconds",
		at->seconds, "queue", (json_int_t)at->queue, "records", (json_int_t)at->records,
		"lost", (json_int_t)at->lost, "burst_index", at->burst, "working_set_bytes",
		(json_int_t)at->working_set_bytes, "dirty_bytes", (json_int_t)at->dirty_bytes);
	const struct {
		const char *name;
		double value;
	} reals[] = {
		{"reads", rate(at->operations[TRACE_READ], at)},
		{"read_bytes", rate(at->bytes[TRACE_READ], at)},
		{"writes", rate(at->operations[TRACE_WRITE], at)},
		{"write_bytes", rate(at->bytes[TRACE_WRITE], at)},
		{"zeros", rate(at->operations[TRACE_ZERO], at)},
		{"flushes", rate(at->operations[TRACE_FLUSH], at)},
		{"errors", rate(at->errors, at)},
		{"queue_depth", at->queue_depth},
		{"read_share", at->read_share},
		{"sequential_share", at->sequential_share},
	};
	for (size_t i = 0; i < sizeof(reals) / sizeof(*reals); i++)
		json_object_set_new(shown, reals[i].name, json_real(reals[i].value));
	json_object_set_new(shown, "p50_ns", json_integer(at->p50_ns));
	json_object_set_new(shown, "p99_ns", json_integer(at->p99_ns));
	json_object_set_new(shown, "p999_ns", json_integer(at->p999_ns));
	return shown;
}

static void on_second(void *arg, const struct trace_second *second)
{
	struct top *top = arg;
	(void)vec_push(&top->seconds, *second);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct trace_second *)a)->name, ((const struct trace_second *)b)->name);
}

static void add_line(struct str *text, const struct trace_second *at)
{
	str_addf(text,
		"%-14.14s %7.0f %7.1f %7.0f %7.1f %5.1f %4.0f %7.1f %7.1f %8.1f %7.1f %7.1f "
		"%5.1f\n",
		at->name, rate(at->operations[TRACE_READ], at),
		rate(at->bytes[TRACE_READ], at) / 1e6, rate(at->operations[TRACE_WRITE], at),
		rate(at->bytes[TRACE_WRITE], at) / 1e6, at->queue_depth, 100 * at->sequential_share,
		(double)at->p50_ns / 1e3, (double)at->p99_ns / 1e3, (double)at->p999_ns / 1e3,
		at->working_set_bytes / 1e6, at->dirty_bytes / 1e6, at->burst);
}

/* One second of all volumes, by name. */
static int look(const struct call *call, struct top *top)
{
	int code = find_trace(call, top);
	if (code)
		return code;
	struct clock *clock = top->world->clock;
	trace_reader_seconds(top->reader, clock_mono_ns(clock), ignore, NULL);
	timer_set(top->world->loop, &top->timer, clock_mono_ns(clock) + LOOK_NS);
	linux_run(top->lw);
	trace_reader_seconds(top->reader, clock_mono_ns(clock), on_second, top);
	if (top->seconds.len)
		qsort(top->seconds.at, top->seconds.len, sizeof(*top->seconds.at), by_name);
	return EXIT_OK;
}

int call_top(const struct call *call)
{
	OWN(top_done) struct top top = {.timer.fn = on_timer};
	OWN(str_done) struct str text = {0};
	int code = look(call, &top);
	if (code)
		return code;
	if (args_given(&call->args, OPTION_JSON)) {
		json_t *volumes = json_array();
		vec_each (second, &top.seconds)
			json_array_append_new(volumes, show(second));
		return call_print_json(json_pack("{s:s,s:o}", "type", "top", "volumes", volumes));
	}
	str_addf(&text, "%-14s %7s %7s %7s %7s %5s %4s %7s %7s %8s %7s %7s %5s\n", "VOLUME",
		"READ/s", "MB/s", "WRITE/s", "MB/s", "DEPTH", "SEQ%", "P50 us", "P99 us",
		"P99.9 us", "SET MB", "DIRTY", "BURST");
	vec_each (second, &top.seconds)
		add_line(&text, second);
	return call_print(&text);
}
