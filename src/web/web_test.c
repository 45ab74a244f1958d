/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the server: requests, the gate, rates, events; and paths against their book. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "web/asset.h"
#include "web/events.h"
#include "web/gate.h"
#include "web/rate.h"
#include "web/request.h"
#include "web/site.h"

/* ---- requests ---- */

TEST(a_target_is_decoded_once_and_split_before)
{
	struct request request;
	CHECK_EQ(request_read("GET", "/a%2fb/%2525?x=%26y%3d1&z=+", &request, NULL), 0);
	CHECK_EQ(request.segment_count, 2);
	CHECK_STR(request.segments[0], "a/b");
	CHECK_STR(request.segments[1], "%25");
	CHECK_STR(request_param(&request, "x"), "&y=1");
	CHECK_STR(request_param(&request, "z"), "+");
	CHECK(!request_param(&request, "y"));
	CHECK_EQ(request_read("HEAD", "/", &request, NULL), 0);
	CHECK_EQ(request.segment_count, 0);
	CHECK_EQ(request.method, METHOD_HEAD);
}

TEST(what_could_be_read_in_two_ways_is_refused)
{
	static const char *const bad[] = {"", "x", "//", "/a/", "/./x", "/%2e%2E/x", "/%", "/%1",
		"/%00", "/%0a", "/%c0%80", "/\x7f", "/?x=1&x=2", "/?=1", "/#", "http://x/",
		"/1/2/3/4/5/6/7/8/9", "/%e2%80%ae"};
	struct request request;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct why why = {""};
		CHECK_EQ(request_read("GET", bad[i], &request, &why), -EINVAL);
		CHECK(*why.text);
	}
	char long_one[REQUEST_MAX + 10] = "/";
	memset(long_one + 1, 'a', REQUEST_MAX);
	CHECK_EQ(request_read("GET", long_one, &request, NULL), -E2BIG);
}

TEST(values_of_parameters_have_units_and_bounds)
{
	struct request request;
	struct why why;
	int64_t value = 5;
	CHECK_EQ(request_read("GET", "/?h=2h&n=7&big=99999999999999999999", &request, NULL), 0);
	CHECK_EQ(request_duration(&request, "h", 60, 86400, &value, &why), 0);
	CHECK_EQ(value, 7200);
	CHECK_EQ(request_duration(&request, "h", 60, 3600, &value, &why), -EINVAL);
	CHECK_STR(why.text, "h: from 1m to 1h");
	CHECK_EQ(request_duration(&request, "n", 60, 3600, &value, &why), -EINVAL);
	CHECK_EQ(request_number(&request, "n", 10, &value, &why), 0);
	CHECK_EQ(value, 7);
	CHECK_EQ(request_number(&request, "big", INT64_MAX, &value, &why), -EINVAL);
	CHECK_EQ(request_number(&request, "missing", 10, &value, &why), 0);
	CHECK_EQ(value, 7);
}

/* ---- the gate ---- */

static int judge(const struct gate *gate, struct visitor visitor, enum role *ret)
{
	visitor.host_count = 1;
	*ret = ROLE_NONE;
	return gate_judge(gate, &visitor, ret, NULL);
}

TEST(a_role_comes_from_the_door_or_from_the_token)
{
	struct gate gate = {.uid = 7, .loopback = ROLE_VIEWER, .address = "127.0.0.1", .hosts = ""};
	static const char token[] = "  0123456789abcdef \n";
	enum role role;
	CHECK_EQ(judge(&gate, (struct visitor){.door = DOOR_UNIX, .uid = 0}, &role), 0);
	CHECK_EQ(role, ROLE_ADMIN);
	CHECK_EQ(judge(&gate, (struct visitor){.door = DOOR_UNIX, .uid = 7}, &role), 0);
	CHECK_EQ(role, ROLE_ADMIN);
	CHECK_EQ(judge(&gate, (struct visitor){.door = DOOR_UNIX, .uid = 8}, &role), 0);
	CHECK_EQ(role, ROLE_VIEWER);
	struct visitor near = {.door = DOOR_LOOPBACK, .host = "localhost"};
	struct visitor far = {.door = DOOR_OPEN, .host = "localhost"};
	CHECK_EQ(judge(&gate, near, &role), 0);
	CHECK_EQ(role, ROLE_VIEWER);
	CHECK_EQ(judge(&gate, far, &role), 0);
	CHECK_EQ(role, ROLE_NONE);
	far.authorization = "Bearer 0123456789abcdef";
	CHECK_EQ(judge(&gate, far, &role), 401); /* there is no token yet */
	CHECK_EQ(gate_token(&gate, token, strlen(token), NULL), 0);
	CHECK_EQ(judge(&gate, far, &role), 0);
	CHECK_EQ(role, ROLE_ADMIN);
	near.authorization = "bearer 0123456789abcdeF";
	CHECK_EQ(judge(&gate, near, &role), 401);
}

TEST(tokens_are_one_long_word)
{
	struct gate gate = {0};
	struct why why;
	CHECK_EQ(gate_token(&gate, "short\n", 6, &why), -EINVAL);
	CHECK_STR(why.text, "a token has 16 to 512 letters, this one 5");
	CHECK_EQ(gate_token(&gate, "two words of a token", 20, &why), -EINVAL);
	CHECK_EQ(gate_token(&gate, "0123456789abcdef\0x", 18, &why), -EINVAL);
	CHECK_EQ(gate_token(&gate, "", 0, &why), -EINVAL);
	CHECK(!gate.has_token);
}

/* ---- rates ---- */

TEST(a_bucket_fills_with_time_and_each_has_his_own)
{
	static struct rate rate;
	int64_t now_ns = NS_PER_SEC;
	for (int i = 0; i < RATE_BURST; i++)
		CHECK(rate_take(&rate, 1, 1, now_ns));
	CHECK(!rate_take(&rate, 1, 1, now_ns));
	CHECK(rate_take(&rate, 2, 1, now_ns));
	now_ns += NS_PER_SEC / RATE_A_SECOND;
	CHECK(rate_take(&rate, 1, 1, now_ns));
	CHECK(!rate_take(&rate, 1, 1, now_ns));
	now_ns += 3600 * NS_PER_SEC;
	CHECK(!rate_take(&rate, 1, RATE_BURST + 1, now_ns));
	CHECK(rate_take(&rate, 1, RATE_BURST, now_ns));
	CHECK(!rate_take(&rate, 1, 1, now_ns - 7200 * NS_PER_SEC)); /* a clock that goes back */
	for (uint64_t peer = 10; peer < 10 + RATE_PEERS; peer++)
		CHECK(rate_take(&rate, peer, 1, now_ns + NS_PER_SEC));
}

/* ---- events ---- */

static void check_next(const struct events *events, uint64_t id, uint64_t expected)
{
	struct event *event = events_after(events, id);
	CHECK_EQ(event ? event->id : 0, expected);
	event_unref(event);
}

TEST(numbers_of_events_rise_over_boots)
{
	struct events events;
	uint64_t first = 3 * (uint64_t)EVENTS_A_BOOT + 1;
	events_begin(&events, 3);
	check_next(&events, 0, 0);
	CHECK_EQ(events_add(&events, "job", "{}"), 0);
	CHECK_EQ(events_add(&events, "job", "{}"), 0);
	struct event *event = events_after(&events, first - 1);
	CHECK(event && memcmp(event->text, "id: 3000000001\nevent: job\ndata: {}\n\n", 36) == 0);
	check_next(&events, first, first + 1);
	check_next(&events, first + 1, 0);
	CHECK(events_follow(&events, first - 1) && events_follow(&events, first + 1));
	CHECK(!events_follow(&events, first + 2) && !events_follow(&events, first - 2));
	CHECK(events_before_boot(&events, first - 2) && !events_before_boot(&events, first));
	events_forget(&events);
	CHECK(!events_follow(&events, first + 1));
	CHECK(memcmp(event->text + event->len - 4, "{}\n\n", 4) == 0); /* still its holder's */
	event_unref(event);
	events_done(&events);
}

TEST(of_events_the_newest_are_kept)
{
	static struct events events;
	events_begin(&events, 1);
	for (int i = 0; i < EVENTS_MAX + 5; i++)
		CHECK_EQ(events_add(&events, "status", "{}"), 0);
	CHECK_EQ(events.count, EVENTS_MAX);
	check_next(&events, 0, EVENTS_A_BOOT + 6);
	CHECK(!events_follow(&events, EVENTS_A_BOOT + 4));
	CHECK(events_follow(&events, EVENTS_A_BOOT + 5));
	OWN(own_free) char *large = calloc(1, EVENTS_BYTES / 4 + 1);
	CHECK(large);
	memset(large, 'x', EVENTS_BYTES / 4);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(events_add(&events, "status", large), 0);
	CHECK(events.bytes <= EVENTS_BYTES);
	events_done(&events);
}

/* ---- paths ---- */

static const json_t *operation_of(const json_t *paths, const struct route *route)
{
	return json_object_get(json_object_get(paths, route->path),
		route->methods == METHOD_POST ? "post" : "get");
}

TEST(paths_are_those_of_the_description)
{
	static const char *const roles[] = {"none", "viewer", "admin"};
	json_t *book = json_loadb(
		(const char *)asset_openapi.bytes, asset_openapi.len, JSON_REJECT_DUPLICATES, NULL);
	json_t *paths = json_object_get(book, "paths"), *methods;
	const char *path;
	size_t ours = 0, described = 0;
	CHECK(paths);
	for (const struct route *route = site_routes; route->path; route++, ours++) {
		const json_t *operation = operation_of(paths, route);
		const char *role = json_string_value(json_object_get(operation, "x-role"));
		CHECK_STR(role ? role : route->path, roles[route->role]);
	}
	json_object_foreach (paths, path, methods)
		described += json_object_size(methods);
	CHECK_EQ(described, ours);
	json_decref(book);
}

TEST_MAIN
