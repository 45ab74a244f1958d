/* SPDX-License-Identifier: Apache-2.0 */
/* The queue against a plain sorted list, and its promises one by one. */
#include "sim/queue.h"

#include <stdlib.h>

#include "base/rng.h"
#include "base/test.h"
#include "base/vec.h"

/* What the queue should hold, by hand: the earliest of the first pushed is found by search. */
struct model_event {
	int64_t at_ns;
	uint64_t order;
	uint32_t handle;
	uint32_t tag;
};

struct model {
	VEC(struct model_event) events;
	uint64_t order;
	uint64_t pushed, popped, cancelled, dropped;
};

static size_t model_first(const struct model *model)
{
	size_t first = 0;
	for (size_t i = 1; i < model->events.len; i++) {
		const struct model_event *a = &model->events.at[i], *b = &model->events.at[first];
		if (a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order))
			first = i;
	}
	return first;
}

static struct model_event model_take(struct model *model, size_t i)
{
	struct model_event event = model->events.at[i];
	model->events.at[i] = model->events.at[--model->events.len];
	return event;
}

/* Near, at this very moment, far, and so far that the highest buckets are used. */
static int64_t draw_time(struct rng *rng, int64_t now_ns)
{
	int64_t at_ns = now_ns;
	switch (rng_below(rng, 16)) {
	case 0 ... 1:
		break;
	case 2:
		at_ns += (int64_t)(UINT64_C(1) << rng_below(rng, 58));
		break;
	default:
		at_ns += (int64_t)rng_below(rng, 50);
	}
	return at_ns < INT64_MAX / 2 ? at_ns : now_ns;
}

static void push(struct queue *queue, struct model *model, struct rng *rng)
{
	struct model_event event = {draw_time(rng, queue->now_ns), model->order++, 0, 0};
	event.tag = (uint32_t)event.order;
	CHECK_EQ(queue_push(queue, event.at_ns, event.tag, model, &event.handle), 0);
	CHECK_EQ(vec_push(&model->events, event), 0);
	model->pushed++;
}

static void pop(struct queue *queue, struct model *model, struct rng *rng)
{
	struct queue_event event;
	int64_t before_ns = queue->now_ns;
	int64_t until_ns = rng_below(rng, 2) ? INT64_MAX : before_ns + (int64_t)rng_below(rng, 40);
	bool got = queue_pop(queue, until_ns, &event);
	size_t first = model->events.len ? model_first(model) : 0;
	CHECK_EQ(got, model->events.len && model->events.at[first].at_ns <= until_ns);
	if (!got) {
		CHECK(queue->now_ns <= until_ns);
		return;
	}
	struct model_event want = model_take(model, first);
	CHECK_EQ(event.at_ns, want.at_ns);
	CHECK_EQ(event.tag, want.tag);
	CHECK_EQ(event.handle, want.handle);
	CHECK(event.what == model);
	CHECK(event.at_ns >= before_ns && event.at_ns == queue->now_ns);
	model->popped++;
}

static bool drop_some(void *arg, struct queue_event *event)
{
	struct model *model = arg;
	if (event->tag % 3)
		return true;
	for (size_t i = 0; i < model->events.len; i++) {
		if (model->events.at[i].tag == event->tag) {
			model_take(model, i);
			model->dropped++;
			return false;
		}
	}
	test_fail(__FILE__, __LINE__, "event %u was never pushed", event->tag);
}

static void any_operation(struct queue *queue, struct model *model, struct rng *rng, bool grow)
{
	switch (rng_below(rng, 16)) {
	case 0 ... 3:
		pop(queue, model, rng);
		break;
	case 4 ... 6:
		if (model->events.len) {
			size_t i = rng_below(rng, model->events.len);
			queue_cancel(queue, model_take(model, i).handle);
			model->cancelled++;
		}
		break;
	case 7:
		if (!rng_below(rng, 50))
			queue_sweep(queue, drop_some, model);
		break;
	case 8 ... 11:
		if (grow)
			push(queue, model, rng);
		else
			pop(queue, model, rng);
		break;
	default:
		push(queue, model, rng);
	}
	CHECK_EQ(queue->len, model->events.len);
}

TEST(no_event_is_lost_or_comes_twice_or_out_of_order)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 50; round++) {
		struct queue queue = {0};
		struct model model = {0};
		for (int i = 0; i < 4000; i++)
			any_operation(&queue, &model, &rng, i < 2000);
		while (model.events.len)
			pop(&queue, &model, &rng);
		struct queue_event event;
		CHECK(!queue_pop(&queue, INT64_MAX, &event));
		CHECK_EQ(model.pushed, model.popped + model.cancelled + model.dropped);
		queue_done(&queue);
		vec_done(&model.events);
	}
}

TEST(equal_times_come_in_order_of_pushing)
{
	struct queue queue = {0};
	struct queue_event event;
	uint32_t handle;
	/* Half of them go through higher buckets first, half are pushed when the time has come. */
	for (uint32_t i = 0; i < 1000; i++)
		CHECK_EQ(queue_push(&queue, 1000000, i, &queue, &handle), 0);
	CHECK_EQ(queue_push(&queue, 999999, 5000, &queue, &handle), 0);
	CHECK(queue_pop(&queue, INT64_MAX, &event) && event.tag == 5000);
	for (uint32_t i = 1000; i < 2000; i++)
		CHECK_EQ(queue_push(&queue, 1000000, i, &queue, &handle), 0);
	for (uint32_t i = 0; i < 2000; i++)
		CHECK(queue_pop(&queue, INT64_MAX, &event) && event.tag == i);
	queue_done(&queue);
}

TEST(a_pop_that_finds_nothing_in_time_leaves_the_past_open)
{
	struct queue queue = {0};
	struct queue_event event;
	uint32_t handle;
	CHECK_EQ(queue_push(&queue, 1000, 1, &queue, &handle), 0);
	CHECK(!queue_pop(&queue, 999, &event));
	CHECK_EQ(queue_push(&queue, 500, 2, &queue, &handle), 0);
	CHECK(queue_pop(&queue, 999, &event) && event.tag == 2);
	CHECK(queue_pop(&queue, 1000, &event) && event.tag == 1);
	queue_done(&queue);
}

TEST(what_is_due_waits_for_who_asks_for_the_past)
{
	struct queue queue = {0};
	struct queue_event event;
	uint32_t handle;
	for (uint32_t i = 0; i < 2; i++)
		CHECK_EQ(queue_push(&queue, 1000, i, &queue, &handle), 0);
	CHECK(queue_pop(&queue, 1000, &event));
	CHECK(!queue_pop(&queue, 999, &event));
	CHECK(queue_pop(&queue, 1000, &event));
	queue_done(&queue);
}

/* The events of one bucket, all chunks full, scatter over as many buckets as there are. */
TEST(a_full_pool_of_chunks_is_enough_to_pop)
{
	struct queue queue = {0};
	struct queue_event event;
	struct rng rng;
	uint32_t handle;
	int64_t base_ns = INT64_C(1) << 60, last_ns = 0;
	rng_seed(&rng, 1);
	do {
		int64_t at_ns = base_ns + (INT64_C(1) << rng_below(&rng, 60));
		CHECK_EQ(queue_push(&queue, at_ns, 0, &queue, &handle), 0);
	} while (queue.len < queue.room);
	size_t count = queue.len;
	while (queue_pop(&queue, INT64_MAX, &event)) {
		CHECK(event.at_ns >= last_ns);
		last_ns = event.at_ns;
		count--;
	}
	CHECK_EQ(count, 0);
	queue_done(&queue);
}

TEST(a_cancelled_crowd_hides_nothing_and_gives_its_memory_back)
{
	struct queue queue = {0};
	struct queue_event event;
	uint32_t handle, last = 0;
	CHECK_EQ(queue_push(&queue, 1 << 20, 7, &queue, &handle), 0);
	for (int i = 0; i < 100000; i++) {
		if (last)
			queue_cancel(&queue, last);
		CHECK_EQ(queue_push(&queue, 1000 + i % 100, 8, &queue, &last), 0);
	}
	queue_cancel(&queue, last);
	CHECK_EQ(queue.len, 1);
	CHECK(queue.chunk_count < 1000);
	CHECK(queue_pop(&queue, INT64_MAX, &event) && event.tag == 7);
	queue_done(&queue);
}

TEST(a_push_right_after_a_pop_gets_its_handle)
{
	struct queue queue = {0};
	struct queue_event event;
	uint32_t handle[10], again;
	for (uint32_t i = 0; i < 10; i++)
		CHECK_EQ(queue_push(&queue, 10 + i, i, &queue, &handle[i]), 0);
	for (uint32_t i = 0; i < 10; i++) {
		CHECK(queue_pop(&queue, INT64_MAX, &event));
		CHECK_EQ(queue_push(&queue, 100 + i, i, &queue, &again), 0);
		CHECK_EQ(again, handle[i]);
	}
	queue_done(&queue);
}

static bool later(void *arg, struct queue_event *event)
{
	event->at_ns += *(int64_t *)arg;
	return event->tag != 3;
}

TEST(a_sweep_moves_and_drops)
{
	struct queue queue = {0};
	struct queue_event event;
	uint32_t handle;
	int64_t by_ns = 12345;
	for (uint32_t i = 0; i < 50; i++)
		CHECK_EQ(queue_push(&queue, 10 + i, i, &queue, &handle), 0);
	CHECK(queue_pop(&queue, INT64_MAX, &event) && event.tag == 0);
	queue_sweep(&queue, later, &by_ns);
	for (uint32_t i = 1; i < 50; i++) {
		if (i == 3)
			continue;
		CHECK(queue_pop(&queue, INT64_MAX, &event));
		CHECK_EQ(event.tag, i);
		CHECK_EQ(event.at_ns, 10 + i + by_ns);
	}
	CHECK(!queue_pop(&queue, INT64_MAX, &event));
	queue_done(&queue);
}

TEST_MAIN
