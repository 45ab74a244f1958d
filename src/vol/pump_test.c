/* SPDX-License-Identifier: Apache-2.0 */
/* What happens next is drawn. */
#include "vol/pump_test.h"

#include <errno.h>

#include "base/container.h"
#include "base/must.h"
#include "os/disk.h"

#define NO_EFFECT_YET ((ssize_t)INT64_MIN)

static ssize_t take_effect(const struct aio_request *request)
{
	if (request->kind == AIO_READ)
		return file_read_at(request->file, request->bytes, request->len, request->at);
	if (request->kind == AIO_WRITE)
		return file_write_at(request->file, request->bytes, request->len, request->at);
	return file_sync(request->file);
}

static bool is_held(const struct pump *pump, const struct aio_request *request)
{
	return (pump->hold_reads && request->kind == AIO_READ) ||
		(pump->hold_writes && request->kind == AIO_WRITE);
}

static int on_submit(struct aio *aio, struct aio_request *request)
{
	struct pump *pump = container_of(aio, struct pump, aio);
	must(pump->count < PUMP_MAX);
	bool held = is_held(pump, request);
	request->result = !held && rng_below(&pump->rng, 2) ? take_effect(request) : NO_EFFECT_YET;
	bool slow = rng_below(&pump->rng, 12) == 0;
	pump->items[pump->count++] = (struct pump_item){
		.request = request, .slow = slow, .held = held};
	return 0;
}

static ssize_t on_now(struct aio *aio, struct aio_request *request)
{
	struct pump *pump = container_of(aio, struct pump, aio);
	if (request->kind == AIO_SYNC || is_held(pump, request) ||
		(!pump->at_once && rng_below(&pump->rng, 4)))
		return -EAGAIN;
	return take_effect(request);
}

static const char *on_name(struct aio *aio)
{
	(void)aio;
	return "pump";
}

static void on_timer_cancel(struct loop *loop, struct timer *timer)
{
	struct pump *pump = container_of(loop, struct pump, loop);
	for (size_t i = 0; i < pump->timer_count; i++)
		if (pump->timers[i] == timer)
			pump->timers[i--] = pump->timers[--pump->timer_count];
}

static void on_timer_set(struct loop *loop, struct timer *timer, int64_t at_ns)
{
	struct pump *pump = container_of(loop, struct pump, loop);
	on_timer_cancel(loop, timer);
	must(pump->timer_count < PUMP_MAX);
	timer->at_ns = at_ns;
	pump->timers[pump->timer_count++] = timer;
}

static int on_task(struct loop *loop, struct task *task)
{
	struct pump *pump = container_of(loop, struct pump, loop);
	if (rng_below(&pump->rng, 16) == 0)
		return -EAGAIN;
	must(pump->count < PUMP_MAX);
	pump->items[pump->count++] = (struct pump_item){.task = task};
	return 0;
}

static void on_stop(struct loop *loop)
{
	(void)loop;
}

static int64_t on_clock(struct clock *clock)
{
	return container_of(clock, struct pump, clock)->now_ns;
}

void pump_init(struct pump *pump, const struct world *world, uint64_t seed)
{
	static const struct aio_ops aio_ops = {.submit = on_submit, .now = on_now, .name = on_name};
	static const struct loop_ops loop_ops = {.timer_set = on_timer_set,
		.timer_cancel = on_timer_cancel,
		.task_start = on_task,
		.stop = on_stop};
	static const struct clock_ops clock_ops = {.mono_ns = on_clock, .wall_ns = on_clock};
	*pump = (struct pump){.world = *world,
		.aio.ops = &aio_ops,
		.loop.ops = &loop_ops,
		.clock.ops = &clock_ops};
	pump->world.aio = &pump->aio;
	pump->world.loop = &pump->loop;
	pump->world.clock = &pump->clock;
	rng_seed(&pump->rng, seed);
}

static void happen(struct pump *pump, size_t i)
{
	struct pump_item item = pump->items[i];
	if (item.task && !item.worked) {
		pump->items[i].worked = true;
		item.task->work(item.task);
		return;
	}
	pump->items[i] = pump->items[--pump->count];
	if (item.task) {
		item.task->done(item.task);
		return;
	}
	struct aio_request *request = item.request;
	if (request->result == NO_EFFECT_YET)
		request->result = take_effect(request);
	request->done(request, request->result);
}

static void fire(struct pump *pump)
{
	size_t first = 0;
	for (size_t i = 1; i < pump->timer_count; i++)
		if (pump->timers[i]->at_ns < pump->timers[first]->at_ns)
			first = i;
	struct timer *timer = pump->timers[first];
	pump->timers[first] = pump->timers[--pump->timer_count];
	if (timer->at_ns > pump->now_ns)
		pump->now_ns = timer->at_ns;
	timer->fn(timer);
}

void pump_let_go(struct pump *pump)
{
	for (size_t i = 0; i < pump->count; i++)
		pump->items[i].held = false;
}

/* `count` when there is nothing to choose from. */
static size_t choose(struct pump *pump)
{
	size_t free = 0, i = pump->count;
	for (size_t at = 0; at < pump->count; at++)
		free += !pump->items[at].held;
	for (int n = 0; free && (n < 6 || pump->items[i].held); n++) {
		i = (size_t)rng_below(&pump->rng, pump->count);
		if (!pump->items[i].slow && !pump->items[i].held)
			break;
	}
	return i;
}

bool pump_step(struct pump *pump)
{
	size_t i = choose(pump);
	if (i < pump->count && (!pump->timer_count || rng_below(&pump->rng, 8)))
		happen(pump, i);
	else if (pump->timer_count)
		fire(pump);
	else
		return false;
	return true;
}

void pump_settle(struct pump *pump)
{
	while (pump->count)
		pump_step(pump);
}
