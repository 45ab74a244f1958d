/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of writers that put the same name at once exactly one succeeds: tried in many random orders, in
 * virtual time, against a store in memory that keeps conditions, ignores them, or checks them
 * without holding the name; whose answers get lost, whose requests are held up for minutes; with
 * writers that pause for hours, and that die.
 *
 * One thread runs at a time. At each request the seed says who goes on.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/container.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/test.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/http.h"
#include "place/place.h"
#include "place/s3.h"
#include "place/s3_time.h"

enum { WRITERS = 3, OBJECTS = 64, HELD = 16, RUNS = 1500 };

static const int64_t ms_ns = 1000000, minute_ns = 60000000000, epoch_ns = 1700000000000000000;

enum condition { KEPT, IGNORED, UNKNOWN, RACY, CONDITIONS };

struct stored {
	char key[200], body[64], mark[64];
	int64_t modified_ns;
};

/* A request that comes later than its answer could. */
struct held {
	struct stored stored;
	bool conditional;
	int64_t due_ns, signed_ns;
};

struct store;

struct writer {
	struct http http;
	struct store *store;
	pthread_t thread;
	int number;
	int64_t until_ns; /* it waits so long */
	bool over, dead;
	int outcome;
	char body[32];
};

struct store {
	struct clock clock;
	struct dice dice;
	struct rng rng;
	pthread_mutex_t mutex;
	pthread_cond_t moved;
	int turn; /* -1: nobody's yet */
	int64_t now_ns;
	enum condition condition;
	bool faults;
	struct stored objects[OBJECTS];
	struct held held[HELD];
	struct writer writers[WRITERS];
};

static int64_t clock_now(struct clock *clock)
{
	return epoch_ns + container_of(clock, struct store, clock)->now_ns;
}

static void roll(struct dice *dice, void *bytes, size_t len)
{
	rng_fill(&container_of(dice, struct store, dice)->rng, bytes, len);
}

static bool chance(struct store *store, unsigned one_in)
{
	return store->faults && rng_below(&store->rng, one_in) == 0;
}

/* ---- the store ---- */

static struct stored *find(struct store *store, const char *key)
{
	for (size_t i = 0; i < OBJECTS; i++)
		if (strcmp(store->objects[i].key, key) == 0)
			return &store->objects[i];
	return NULL;
}

static int put_object(struct store *store, const struct stored *stored, bool conditional)
{
	struct stored *there = find(store, stored->key);
	if (there && conditional)
		return 412;
	if (!there)
		there = find(store, "");
	CHECK(there);
	*there = *stored;
	there->modified_ns = store->now_ns;
	return 200;
}

/* What was held up arrives, unless its signature is too old by now. */
static void deliver(struct store *store)
{
	for (size_t i = 0; i < HELD; i++) {
		struct held *held = &store->held[i];
		if (!*held->stored.key || held->due_ns > store->now_ns)
			continue;
		if (store->now_ns - held->signed_ns <= 15 * minute_ns)
			put_object(store, &held->stored, held->conditional);
		*held = (struct held){0};
	}
}

/* ---- turns ---- */

static int choose(struct store *store)
{
	int ready[WRITERS], count = 0;
	int64_t first_ns = INT64_MAX;
	for (int i = 0; i < WRITERS; i++) {
		const struct writer *writer = &store->writers[i];
		if (writer->over)
			continue;
		if (writer->until_ns <= store->now_ns)
			ready[count++] = i;
		else if (writer->until_ns < first_ns)
			first_ns = writer->until_ns;
	}
	if (count)
		return ready[rng_below(&store->rng, (uint64_t)count)];
	if (first_ns == INT64_MAX)
		return -1;
	store->now_ns = first_ns;
	return choose(store);
}

/* Gives the turn away and waits for the next one of its own. */
static void yield(struct writer *writer)
{
	struct store *store = writer->store;
	store->now_ns += (int64_t)(rng_below(&store->rng, 300) + 1) * ms_ns;
	deliver(store);
	store->turn = choose(store);
	pthread_cond_broadcast(&store->moved);
	while (!writer->over && store->turn != writer->number)
		pthread_cond_wait(&store->moved, &store->mutex);
}

static void wait_ns(struct http *http, int64_t ns)
{
	struct writer *writer = container_of(http, struct writer, http);
	writer->until_ns = writer->store->now_ns + ns;
	yield(writer);
}

/* ---- requests ---- */

static const char *header_of(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (strcmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return "";
}

/* The key in "http://127.0.0.1/bucket/KEY?..." */
static void key_of(const char *url, char key[200])
{
	const char *at = url + strlen("http://127.0.0.1/bucket");
	at += *at == '/';
	snprintf(key, 200, "%.*s", (int)strcspn(at, "?"), at);
}

static void add_page(struct store *store, const char *url, struct str *body)
{
	char prefix[200], when[S3_TIME];
	const char *at = strstr(url, "prefix=");
	size_t len = 0;
	for (at = at ? at + 7 : ""; *at && *at != '&'; at++) {
		bool slash = str_starts(at, "%2F");
		prefix[len++] = slash ? '/' : *at;
		at += slash ? 2 : 0;
	}
	prefix[len] = '\0';
	str_add(body, "<ListBucketResult><IsTruncated>false</IsTruncated>");
	/* In order, as stores list: at most 64 of them, so the slow way will do. */
	for (const char *last = ""; last;) {
		const struct stored *next = NULL;
		for (size_t i = 0; i < OBJECTS; i++) {
			const struct stored *one = &store->objects[i];
			if (str_starts(one->key, prefix) && strcmp(one->key, last) > 0 &&
				(!next || strcmp(one->key, next->key) < 0))
				next = one;
		}
		last = next ? next->key : NULL;
		if (next)
			str_addf(body,
				"<Contents><Key>%s</Key><LastModified>%s</LastModified><Size>%zu"
				"</Size></Contents>",
				next->key, s3_show_time(epoch_ns + next->modified_ns, when),
				strlen(next->body));
	}
	str_add(body, "</ListBucketResult>");
}

static void hold(struct store *store, const struct stored *stored, bool conditional)
{
	for (size_t i = 0; i < HELD; i++) {
		if (*store->held[i].stored.key)
			continue;
		int64_t later = (int64_t)rng_below(&store->rng, 40) * minute_ns / 2;
		store->held[i] = (struct held){
			*stored, conditional, store->now_ns + later, store->now_ns};
		return;
	}
}

static int put(struct writer *writer, const struct http_request *request, const char *key)
{
	struct store *store = writer->store;
	struct stored stored = {0};
	bool asked = *header_of(request, "If-None-Match") != '\0';
	bool conditional = asked && store->condition != IGNORED;
	if (asked && store->condition == UNKNOWN)
		return 501;
	snprintf(stored.key, sizeof(stored.key), "%s", key);
	snprintf(stored.body, sizeof(stored.body), "%.*s", (int)request->body_len,
		(const char *)request->body);
	snprintf(stored.mark, sizeof(stored.mark), "%s", header_of(request, "x-amz-meta-ebb-put"));
	if (chance(store, 30)) {
		/* One that checks before it writes would check late, too: then it is refused. */
		hold(store, &stored, conditional);
		return -ETIMEDOUT;
	}
	if (store->condition == RACY && conditional) {
		if (find(store, key))
			return 412;
		yield(writer);
		conditional = false;
	}
	return put_object(store, &stored, conditional);
}

/* Stores refuse what was signed a quarter of an hour ago. */
static bool too_old(const struct store *store, const struct http_request *request)
{
	char oldest[S3_TIME];
	s3_show_stamp(epoch_ns + store->now_ns - 15 * minute_ns, oldest);
	return strcmp(header_of(request, "x-amz-date"), oldest) < 0;
}

/* The status of the answer, or an error. */
static int answer_to(struct writer *writer, const struct http_request *request, struct str *headers,
	struct str *body)
{
	struct store *store = writer->store;
	char key[200];
	key_of(request->url, key);
	if (too_old(store, request)) {
		str_add(body, "<Error><Code>RequestTimeTooSkewed</Code></Error>");
		return 403;
	}
	if (strstr(request->url, "list-type")) {
		add_page(store, request->url, body);
		return 200;
	}
	if (strcmp(request->method, "PUT") == 0)
		return put(writer, request, key);
	struct stored *there = find(store, key);
	if (strcmp(request->method, "DELETE") == 0) {
		if (there)
			*there = (struct stored){0};
		return 204;
	}
	if (!there)
		return 404;
	str_addf(headers, "x-amz-meta-ebb-put: %s\nContent-Length: %zu\n", there->mark,
		strlen(there->body));
	if (strcmp(request->method, "GET") == 0)
		str_add(body, there->body);
	return 200;
}

static int call(struct http *http, const struct http_request *request,
	struct http_answer *ret_answer, struct why *why)
{
	struct writer *writer = container_of(http, struct writer, http);
	struct store *store = writer->store;
	OWN(str_done) struct str headers = {0}, body = {0};
	char date[64];
	time_t now = (epoch_ns + store->now_ns) / 1000000000;
	struct tm tm;
	writer->dead = writer->dead || chance(store, 60);
	if (chance(store, 60))
		writer->until_ns = store->now_ns + (int64_t)rng_below(&store->rng, 120) * minute_ns;
	yield(writer);
	if (writer->dead)
		return why_set(why, -EKEYREJECTED, "it died");
	if (chance(store, 25))
		return why_set(why, -ECONNREFUSED, "refused");
	int status = answer_to(writer, request, &headers, &body);
	yield(writer);
	if (status < 0 || chance(store, 25))
		return why_set(why, -ETIMEDOUT, "no answer");
	CHECK(gmtime_r(&now, &tm) && strftime(date, sizeof(date), "%a, %d %b %Y %T GMT", &tm));
	str_addf(&headers, "Date: %s\n", date);
	ret_answer->status = status;
	ret_answer->body_len = body.len;
	ret_answer->headers = str_take(&headers);
	ret_answer->body = (uint8_t *)str_take(&body);
	return 0;
}

/* ---- runs ---- */

static struct place *open_store(struct writer *writer)
{
	struct s3_options options = {.http = &writer->http,
		.clock = &writer->store->clock,
		.dice = &writer->store->dice};
	struct place_url url;
	struct place *place = NULL;
	struct why why;
	CHECK_EQ(place_url_read("s3://bucket/p?endpoint=http://127.0.0.1", &url, &why), 0);
	options.where = url.s3;
	CHECK_EQ(s3_url_finish(&options.where, NULL, NULL, &why), 0);
	CHECK_EQ(aws_keys_set(&options.keys, AWS_ACCESS_KEY, "a", &why), 0);
	CHECK_EQ(aws_keys_set(&options.keys, AWS_SECRET_KEY, "b", &why), 0);
	return place_s3_open(&options, &place, &why) ? NULL : place;
}

static void *write_new(void *arg)
{
	struct writer *writer = arg;
	struct store *store = writer->store;
	struct why why;
	pthread_mutex_lock(&store->mutex);
	while (store->turn != writer->number)
		pthread_cond_wait(&store->moved, &store->mutex);
	struct place *place = open_store(writer);
	writer->outcome = place
		? place_put_new(place, "head/1", writer->body, strlen(writer->body), &why)
		: -EIO;
	place_close(place);
	writer->over = true;
	yield(writer);
	pthread_mutex_unlock(&store->mutex);
	return NULL;
}

/* Returns how many succeeded; *ret_right: what stands there is what the one who did put. */
static int run(uint64_t seed, bool faults, bool *ret_right, bool *ret_there)
{
	static const struct clock_ops clock_ops = {clock_now, clock_now};
	static const struct dice_ops dice_ops = {roll};
	static const struct http_ops http_ops = {call, wait_ns};
	struct store *store = calloc(1, sizeof(*store));
	int won = 0;
	CHECK(store);
	rng_seed(&store->rng, seed);
	store->clock.ops = &clock_ops;
	store->dice.ops = &dice_ops;
	store->faults = faults;
	store->condition = (enum condition)rng_below(&store->rng, CONDITIONS);
	pthread_mutex_init(&store->mutex, NULL);
	pthread_cond_init(&store->moved, NULL);
	for (int i = 0; i < WRITERS; i++) {
		struct writer *writer = &store->writers[i];
		writer->http.ops = &http_ops;
		writer->store = store;
		writer->number = i;
		snprintf(writer->body, sizeof(writer->body), "head of writer %d", i);
		CHECK_EQ(pthread_create(&writer->thread, NULL, write_new, writer), 0);
	}
	pthread_mutex_lock(&store->mutex);
	store->turn = choose(store);
	pthread_cond_broadcast(&store->moved);
	pthread_mutex_unlock(&store->mutex);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(store->writers[i].thread, NULL);
	store->now_ns += 300 * minute_ns;
	deliver(store);
	const struct stored *there = find(store, "p/head/1");
	*ret_there = there != NULL;
	*ret_right = true;
	for (int i = 0; i < WRITERS; i++) {
		bool success = store->writers[i].outcome == 0;
		won += success;
		if (success && (!there || strcmp(there->body, store->writers[i].body) != 0))
			*ret_right = false;
	}
	pthread_cond_destroy(&store->moved);
	pthread_mutex_destroy(&store->mutex);
	free(store);
	return won;
}

static int violations(bool faults, uint64_t *ret_seed, int *ret_none)
{
	struct rng rng;
	int bad = 0;
	*ret_none = 0;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < RUNS; i++) {
		uint64_t seed = rng_u64(&rng);
		bool right, there;
		int won = run(seed, faults, &right, &there);
		*ret_none += won == 0;
		if (won > 1 || !right || (!faults && !there)) {
			*ret_seed = seed;
			bad++;
		}
	}
	return bad;
}

TEST(of_many_writers_one_succeeds)
{
	uint64_t seed = 0;
	int none, bad = violations(false, &seed, &none);
	test_note("%d runs, %d broke the rule (seed %" PRIu64 "), in %d nobody succeeded", RUNS,
		bad, seed, none);
#ifdef PLANTED
	CHECK(bad > 0);
#else
	CHECK_EQ(bad, 0);
	CHECK_EQ(none, 0);
#endif
}

#ifndef PLANTED
TEST(with_lost_answers_late_requests_long_pauses_and_deaths_too)
{
	uint64_t seed = 0;
	int none, bad = violations(true, &seed, &none);
	test_note("%d runs, %d broke the rule (seed %" PRIu64 "), in %d nobody succeeded", RUNS,
		bad, seed, none);
	CHECK_EQ(bad, 0);
	CHECK(none < RUNS / 2);
}
#endif

TEST_MAIN
