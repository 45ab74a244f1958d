/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that go to a bucket in parts, against a store in memory: how much is under way at once,
 * what a writer leaves that is killed at any of its requests, and what becomes of that.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

enum { UPLOADS = 16, OBJECTS = 16, PARTS = 8, PAGE = 2, WRITERS = 4, MIB = 1 << 20 };

static const int64_t hour_ns = 3600000000000, epoch_ns = 1700000000000000000;

struct bytes {
	uint8_t *at;
	size_t len;
};

struct upload {
	char key[100], mark[64];
	unsigned number; /* 0: there is none here */
	int64_t begun_ns;
	struct bytes parts[PARTS];
	unsigned begun; /* parts that came, or are coming */
};

struct object {
	char key[100], mark[64];
	struct bytes bytes;
};

struct store {
	struct clock clock;
	struct dice dice;
	struct http http;
	struct rng rng;
	pthread_mutex_t mutex;
	struct upload uploads[UPLOADS];
	struct object objects[OBJECTS];
	unsigned last_upload;
	unsigned requests, die_at; /* the request at which the writer is killed; 0: none */
	bool die_after;            /* it had its effect */
	bool dateless;
	size_t lens[WRITERS]; /* of the objects that threads put: what is under way is known */
	unsigned inside;
	size_t under_way_most;
};

static int64_t clock_now(struct clock *clock)
{
	(void)clock;
	return epoch_ns - 400 * hour_ns; /* ours is wrong */
}

static void roll(struct dice *dice, void *bytes, size_t len)
{
	struct store *store = container_of(dice, struct store, dice);
	pthread_mutex_lock(&store->mutex);
	rng_fill(&store->rng, bytes, len);
	pthread_mutex_unlock(&store->mutex);
}

static struct upload *find_upload(struct store *store, unsigned number)
{
	for (size_t i = 0; i < UPLOADS; i++)
		if (store->uploads[i].number == number)
			return &store->uploads[i];
	return NULL;
}

static struct object *find_object(struct store *store, const char *key)
{
	for (size_t i = 0; i < OBJECTS; i++)
		if (strcmp(store->objects[i].key, key) == 0)
			return &store->objects[i];
	return NULL;
}

static void forget_upload(struct upload *upload)
{
	for (size_t i = 0; i < PARTS; i++)
		free(upload->parts[i].at);
	*upload = (struct upload){0};
}

/* ---- requests ---- */

static const char *header_of(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (strcmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return "";
}

/* The value of a word of the query; false: it is not there. */
static bool query_of(const char *url, const char *name, char value[100])
{
	const char *at = strchr(url, '?');
	size_t len = strlen(name);
	for (; at; at = strchr(at + 1, '&'))
		if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '=') {
			snprintf(value, 100, "%.*s", (int)strcspn(at + len + 2, "&"), at + len + 2);
			return true;
		}
	return false;
}

static unsigned number_of(const char *url, const char *name)
{
	char value[100];
	return query_of(url, name, value) ? (unsigned)strtoul(value, NULL, 10) : 0;
}

static int begin_upload(
	struct store *store, const struct http_request *request, const char *key, struct str *body)
{
	struct upload *upload = find_upload(store, 0);
	CHECK(upload);
	*upload = (struct upload){.number = ++store->last_upload, .begun_ns = epoch_ns};
	snprintf(upload->key, sizeof(upload->key), "%s", key);
	snprintf(upload->mark, sizeof(upload->mark), "%s",
		header_of(request, "x-amz-meta-ebb-upload"));
	str_addf(body,
		"<InitiateMultipartUploadResult><UploadId>%u</UploadId>"
		"</InitiateMultipartUploadResult>",
		upload->number);
	return 200;
}

/* Names of objects that are looked at end in a digit. */
static size_t length_of(const struct store *store, const char *key)
{
	unsigned number = (unsigned)(key[strlen(key) - 1] - '0');
	return number < sizeof(store->lens) / sizeof(*store->lens) ? store->lens[number] : 0;
}

static size_t under_way(const struct store *store)
{
	size_t sum = 0;
	for (size_t i = 0; i < UPLOADS; i++) {
		const struct upload *upload = &store->uploads[i];
		size_t came = 0, len = 0;
		for (size_t p = 0; p < PARTS; p++)
			came += upload->parts[p].len;
		if (upload->begun)
			len = length_of(store, upload->key);
		sum += came < len ? len : 0;
	}
	return sum;
}

/* Takes its time, so that others come when they are let. */
static int put_part(struct store *store, const struct http_request *request, struct str *headers)
{
	struct upload *upload = find_upload(store, number_of(request->url, "uploadId"));
	unsigned part = number_of(request->url, "partNumber") - 1;
	if (!upload)
		return 404;
	upload->begun++;
	store->inside++;
	for (int i = 0; *store->lens && store->inside < WRITERS && i < 20000; i++) {
		pthread_mutex_unlock(&store->mutex);
		sched_yield();
		pthread_mutex_lock(&store->mutex);
	}
	if (under_way(store) > store->under_way_most)
		store->under_way_most = under_way(store);
	store->inside--;
	free(upload->parts[part].at);
	upload->parts[part] = (struct bytes){malloc(request->body_len), request->body_len};
	memcpy(upload->parts[part].at, request->body, request->body_len);
	str_addf(headers, "ETag: \"part%u\"\n", part + 1);
	return 200;
}

static int complete(struct store *store, const struct http_request *request, struct str *body)
{
	struct upload *upload = find_upload(store, number_of(request->url, "uploadId"));
	OWN(str_done) struct str list = {0};
	if (!upload)
		return 404;
	str_addf(&list, "%.*s", (int)request->body_len, (const char *)request->body);
	struct object *object = find_object(store, upload->key);
	if (!object)
		object = find_object(store, "");
	CHECK(object);
	free(object->bytes.at);
	*object = (struct object){0};
	snprintf(object->key, sizeof(object->key), "%s", upload->key);
	snprintf(object->mark, sizeof(object->mark), "%s", upload->mark);
	for (unsigned i = 0; i < PARTS; i++) {
		char told[100];
		snprintf(told, sizeof(told), "<PartNumber>%u</PartNumber><ETag>\"part%u\"</ETag>",
			i + 1, i + 1);
		if (!strstr(str_text(&list), told))
			continue;
		const struct bytes *part = &upload->parts[i];
		CHECK(part->len);
		object->bytes.at = realloc(object->bytes.at, object->bytes.len + part->len);
		memcpy(object->bytes.at + object->bytes.len, part->at, part->len);
		object->bytes.len += part->len;
	}
	forget_upload(upload);
	str_add(body,
		"<CompleteMultipartUploadResult><ETag>\"x\"</ETag>"
		"</CompleteMultipartUploadResult>");
	return 200;
}

static int list_uploads(struct store *store, const char *url, struct str *body)
{
	char prefix[100], when[S3_TIME];
	unsigned after = number_of(url, "upload-id-marker"), count = 0, last = 0;
	CHECK(query_of(url, "prefix", prefix));
	str_add(body, "<ListMultipartUploadsResult>");
	for (size_t i = 0; i < UPLOADS && count < PAGE; i++) {
		const struct upload *upload = &store->uploads[i];
		if (upload->number <= after)
			continue;
		/* The store lists whatever it likes besides. */
		str_addf(body,
			"<Upload><Key>%s</Key><UploadId>%u</UploadId><Initiated>%s</Initiated>"
			"</Upload>",
			upload->key, upload->number, s3_show_time(upload->begun_ns, when));
		last = upload->number;
		count++;
	}
	str_addf(body, "<IsTruncated>%s</IsTruncated>", count == PAGE ? "true" : "false");
	if (count == PAGE)
		str_addf(body,
			"<NextKeyMarker>any</NextKeyMarker><NextUploadIdMarker>%u"
			"</NextUploadIdMarker>",
			last);
	str_add(body, "</ListMultipartUploadsResult>");
	return 200;
}

static int list_parts(struct store *store, unsigned number, struct str *body)
{
	const struct upload *upload = find_upload(store, number);
	if (!upload)
		return 404;
	str_add(body, "<ListPartsResult>");
	for (unsigned i = 0; i < PARTS; i++)
		if (upload->parts[i].len)
			str_addf(body,
				"<Part><PartNumber>%u</PartNumber><ETag>\"part%u\"</ETag>"
				"<Size>%zu</Size></Part>",
				i + 1, i + 1, upload->parts[i].len);
	str_add(body, "</ListPartsResult>");
	return 200;
}

static int answer_to(struct store *store, const struct http_request *request, struct str *headers,
	struct str *body)
{
	char key[100], text[100];
	const char *url = request->url, *at = url + strlen("http://127.0.0.1/bucket");
	unsigned upload = number_of(url, "uploadId");
	at += *at == '/';
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(at, "?"), at);
	if (query_of(url, "list-type", text)) {
		str_add(body, "<ListBucketResult></ListBucketResult>");
		return 200;
	}
	if (strcmp(request->method, "POST") == 0)
		return upload ? complete(store, request, body)
			      : begin_upload(store, request, key, body);
	if (strcmp(request->method, "PUT") == 0)
		return put_part(store, request, headers);
	if (strcmp(request->method, "GET") == 0)
		return upload ? list_parts(store, upload, body) : list_uploads(store, url, body);
	if (strcmp(request->method, "DELETE") == 0) {
		if (find_upload(store, upload))
			forget_upload(find_upload(store, upload));
		return 204;
	}
	const struct object *object = find_object(store, key);
	if (!object)
		return 404;
	str_addf(headers, "Content-Length: %zu\nx-amz-meta-ebb-upload: %s\n", object->bytes.len,
		object->mark);
	return 200;
}

static int call(struct http *http, const struct http_request *request,
	struct http_answer *ret_answer, struct why *why)
{
	struct store *store = container_of(http, struct store, http);
	OWN(str_done) struct str headers = {0}, body = {0};
	char date[64];
	time_t now = epoch_ns / 1000000000;
	struct tm tm;
	pthread_mutex_lock(&store->mutex);
	unsigned nth = ++store->requests;
	bool dead = store->die_at && nth >= store->die_at;
	int status = 0;
	if (!dead || (nth == store->die_at && store->die_after))
		status = answer_to(store, request, &headers, &body);
	pthread_mutex_unlock(&store->mutex);
	if (dead)
		return why_set(why, -EKEYREJECTED, "it died");
	CHECK(gmtime_r(&now, &tm) && strftime(date, sizeof(date), "%a, %d %b %Y %T GMT", &tm));
	str_addf(&headers, "%s: %s\n", store->dateless ? "Then" : "Date", date);
	ret_answer->status = status;
	ret_answer->body_len = body.len;
	ret_answer->headers = str_take(&headers);
	ret_answer->body = (uint8_t *)str_take(&body);
	return 0;
}

static void wait_ns(struct http *http, int64_t ns)
{
	(void)http;
	(void)ns;
}

/* ---- the store's life ---- */

static void begin(struct store *store)
{
	static const struct clock_ops clock_ops = {.mono_ns = clock_now, .wall_ns = clock_now};
	static const struct dice_ops dice_ops = {.fill = roll};
	static const struct http_ops http_ops = {.call = call, .wait = wait_ns};
	*store = (struct store){
		.clock.ops = &clock_ops, .dice.ops = &dice_ops, .http.ops = &http_ops};
	rng_seed(&store->rng, 1);
	CHECK_EQ(pthread_mutex_init(&store->mutex, NULL), 0);
}

static void end(struct store *store)
{
	for (size_t i = 0; i < UPLOADS; i++)
		forget_upload(&store->uploads[i]);
	for (size_t i = 0; i < OBJECTS; i++)
		free(store->objects[i].bytes.at);
	pthread_mutex_destroy(&store->mutex);
}

static struct place *open_store(struct store *store)
{
	struct s3_options options = {
		.http = &store->http, .clock = &store->clock, .dice = &store->dice};
	struct place *place;
	struct why why;
	snprintf(options.where.bucket, sizeof(options.where.bucket), "bucket");
	snprintf(options.where.host, sizeof(options.where.host), "127.0.0.1");
	snprintf(options.where.region, sizeof(options.where.region), "r");
	CHECK_EQ(aws_keys_set(&options.keys, AWS_ACCESS_KEY, "a", &why), 0);
	CHECK_EQ(aws_keys_set(&options.keys, AWS_SECRET_KEY, "s", &why), 0);
	if (place_s3_open(&options, &place, &why))
		test_fail(__FILE__, __LINE__, "%s", why.text);
	aws_keys_done(&options.keys);
	return place;
}

static uint8_t *make_bytes(size_t len)
{
	uint8_t *bytes = malloc(len);
	struct rng rng;
	CHECK(bytes);
	rng_seed(&rng, len);
	rng_fill(&rng, bytes, len);
	return bytes;
}

static const struct place_whole whole = {.limit = 64 * MIB};

/* ---- killed ---- */

static bool parts_are_there(const struct store *store, size_t len)
{
	size_t sum = 0;
	for (size_t i = 0; i < UPLOADS; i++)
		for (size_t p = 0; p < PARTS; p++)
			sum += store->uploads[i].parts[p].len;
	return sum == len;
}

/* False: it was done before it could be killed. */
static bool kill_at(const uint8_t *bytes, size_t len, unsigned nth, bool after, unsigned *taken)
{
	struct store store;
	begin(&store);
	struct place *place = open_store(&store);
	store.requests = 0;
	store.die_at = nth;
	store.die_after = after;
	bool done = !place_put(place, "data/3f/0", bytes, len, NULL);
	place_close(place);
	store.die_at = 0;
	bool there = parts_are_there(&store, len), named = find_object(&store, "data/3f/0");
	place = open_store(&store);
	CHECK_EQ(place_take_up(place, "meta", &whole), 0);
	CHECK_EQ(find_object(&store, "data/3f/0") != NULL, named);
	CHECK_EQ(place_take_up(place, "data", &whole), 0);
	const struct object *object = find_object(&store, "data/3f/0");
	CHECK_EQ(object != NULL, named || there);
	if (object) {
		CHECK_EQ(object->bytes.len, len);
		CHECK(memcmp(object->bytes.at, bytes, len) == 0);
		CHECK(!find_upload(&store, store.last_upload));
	}
	*taken += there;
	place_close(place);
	end(&store);
	return !done;
}

TEST(a_killed_writers_upload_is_taken_up_when_it_is_whole)
{
	static const size_t lens[] = {10 * MIB, 10 * MIB + 1, 15 * MIB + 2, 17340928, 40 * MIB};
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		OWN(own_free) uint8_t *bytes = make_bytes(lens[i]);
		unsigned taken = 0, nth = 1;
		for (int after = 0; after < 2; after++)
			for (nth = 1; kill_at(bytes, lens[i], nth, after, &taken); nth++)
				;
		/* After the last part, and before the completing. */
		CHECK_EQ(taken, 2);
		CHECK(nth > 4);
	}
}

static void put_three(struct place *place, struct store *store)
{
	OWN(own_free) uint8_t *bytes = make_bytes(10 * MIB);
	static const char *const names[] = {"data/00/a", "meta/00/b", "other/c"};
	for (unsigned i = 0; i < 3; i++) {
		store->requests = 0;
		store->die_at = 3;
		CHECK(place_put(place, names[i], bytes, 10 * MIB, NULL));
		store->die_at = 0;
	}
}

TEST(uploads_of_writers_long_dead_are_aborted)
{
	struct store store;
	begin(&store);
	struct place *place = open_store(&store);
	put_three(place, &store);
	put_three(place, &store);
	for (unsigned i = 1; i <= 3; i++)
		find_upload(&store, i)->begun_ns = epoch_ns - 49 * hour_ns;
	for (unsigned i = 4; i <= 6; i++)
		find_upload(&store, i)->begun_ns = epoch_ns - 47 * hour_ns;
	store.dateless = true;
	CHECK_EQ(place_sweep(place), 0);
	for (unsigned i = 1; i <= 6; i++)
		CHECK(find_upload(&store, i));
	store.dateless = false;
	CHECK_EQ(place_sweep(place), 0);
	for (unsigned i = 1; i <= 6; i++)
		CHECK_EQ(find_upload(&store, i) != NULL, i >= 3);
	place_close(place);
	end(&store);
}

/* ---- several threads ---- */

struct writer {
	pthread_t thread;
	struct place *place;
	unsigned number;
	uint8_t *bytes;
	size_t len;
	int err;
};

static void *put_one(void *arg)
{
	struct writer *writer = arg;
	char name[20];
	snprintf(name, sizeof(name), "data/00/%u", writer->number);
	writer->err = place_put(writer->place, name, writer->bytes, writer->len, NULL);
	return NULL;
}

static void put_together(struct store *store, struct writer writers[WRITERS])
{
	struct place *place = open_store(store);
	for (unsigned i = 0; i < WRITERS; i++) {
		store->lens[i] = writers[i].len;
		writers[i].place = place;
		writers[i].number = i;
		CHECK_EQ(pthread_create(&writers[i].thread, NULL, put_one, &writers[i]), 0);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	place_close(place);
}

TEST(what_is_under_way_is_never_more_than_one_object)
{
	static const size_t lens[WRITERS] = {17 * MIB, 16 * MIB, 17 * MIB, 11 * MIB};
	struct writer writers[WRITERS] = {0};
	struct store store;
	begin(&store);
	for (unsigned i = 0; i < WRITERS; i++)
		writers[i] = (struct writer){.bytes = make_bytes(lens[i]), .len = lens[i]};
	put_together(&store, writers);
	for (unsigned i = 0; i < WRITERS; i++) {
		char key[20];
		snprintf(key, sizeof(key), "data/00/%u", i);
		const struct object *object = find_object(&store, key);
		CHECK_EQ(writers[i].err, 0);
		CHECK(object && object->bytes.len == lens[i]);
		CHECK(memcmp(object->bytes.at, writers[i].bytes, lens[i]) == 0);
		free(writers[i].bytes);
	}
	CHECK(store.under_way_most <= 17 * MIB);
	end(&store);
}

/* The parts of all fail, whoever sends them: each writer learns of it, and leaves nothing. */
TEST(when_a_part_fails_its_writer_fails)
{
	OWN(own_free) uint8_t *bytes = make_bytes(17 * MIB);
	struct writer writers[WRITERS] = {0};
	struct store store;
	begin(&store);
	for (unsigned i = 0; i < WRITERS; i++)
		writers[i] = (struct writer){.bytes = bytes, .len = 17 * MIB};
	store.die_at = 1 + WRITERS + 2; /* the greeting, and their beginnings */
	put_together(&store, writers);
	unsigned failed = 0;
	for (unsigned i = 0; i < WRITERS; i++)
		failed += writers[i].err != 0;
	CHECK_EQ(failed, WRITERS);
	end(&store);
}

TEST_MAIN
