/* SPDX-License-Identifier: Apache-2.0 */
/* The asking side in the simulator, against a server and against programs that are none. */
#include "talk/client.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "base/must.h"
#include "base/own.h"
#include "base/str.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "os/net.h"
#include "os/world.h"
#include "sim/net.h"
#include "sim/sim.h"
#include "talk/server.h"

static void verb_ping(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)arg, (void)argv;
	talk_reply_ok(ret_reply, json_pack("{s:i}", "words", (int)argc));
}

static const struct talk_verb verbs[] = {{"ping", "...", 9, "counts its words", verb_ping}};

/* What one ask came to. */
struct outcome {
	int calls, err;
	bool ok;
	char text[400]; /* the reply's line, or why there is none */
};

static void on_answer(void *arg, const struct talk_answer *answer)
{
	struct outcome *outcome = arg;
	outcome->calls++;
	outcome->err = answer->err;
	outcome->ok = answer->reply && answer->reply->ok;
	snprintf(outcome->text, sizeof(outcome->text), "%s",
		answer->err ? answer->why->text : answer->line);
}

struct house {
	struct sim *sim;
	struct sim_node *a, *b;
	struct talk_server *server;
	struct listener *listener;
	const char *address; /* where it listens, of a, and where b asks */
	bool waits;          /* until the other side has hung up */
	const char *says;    /* what the program that is no server of ours sends */
	size_t says_len;
};

static void on_death(void *arg, struct sim_node *node)
{
	(void)node;
	struct house *house = arg;
	talk_server_close(TAKE(house->server));
	listener_close(TAKE(house->listener));
}

static void house_init(struct house *house)
{
	*house = (struct house){.sim = sim_new(1), .address = "sim:a/control"};
	must(house->sim);
	must(sim_node_new(house->sim, "a", &house->a) == 0);
	must(sim_node_new(house->sim, "b", &house->b) == 0);
	sim_node_on_death(house->a, on_death, house);
}

/* As it is in life: both on one machine, where a hang-up never overtakes what was written. */
static void move_in(struct house *house)
{
	house->b = house->a;
	house->address = "unix:/control";
}

static void house_done(struct house *house)
{
	sim_free(house->sim);
}

static void serve(struct house *house)
{
	struct world *world = sim_node_world(house->a);
	struct listener *listener;
	must(net_listen(world->net, house->address, &listener, NULL) == 0);
	struct talk_options options = {.verbs = verbs, .verb_count = 1};
	must(talk_server_open(world, listener, &options, &house->server) == 0);
}

/* Sends what the test wants as soon as somebody connects, hears nothing, and hangs up. */
static void babble(struct stream *stream, unsigned events)
{
	struct house *house = stream->arg;
	char heard[512];
	if (events & STREAM_CAN_WRITE && house->says_len) {
		ssize_t n = stream_write(stream, house->says, house->says_len);
		if (n > 0) {
			house->says += n;
			house->says_len -= (size_t)n;
		}
	}
	bool over = events & STREAM_GONE ||
		(events & STREAM_CAN_READ && stream_read(stream, heard, sizeof(heard)) == 0);
	if (over || (!house->says_len && !house->waits))
		stream_close(stream);
	else if (!house->says_len)
		stream_want(stream, STREAM_CAN_READ);
}

static void on_accept(struct listener *listener, struct stream *stream)
{
	stream->on_event = babble;
	stream->arg = listener->arg;
	stream_want(stream, STREAM_CAN_WRITE);
}

static void serve_babble(struct house *house, const char *says, size_t len)
{
	struct net *net = sim_node_world(house->a)->net;
	must(net_listen(net, house->address, &house->listener, NULL) == 0);
	house->listener->on_accept = on_accept;
	house->listener->arg = house;
	house->says = says;
	house->says_len = len;
}

static struct talk_ask *ask(struct house *house, struct outcome *outcome)
{
	const char *words[] = {"ping", "a b", ""};
	struct talk_question question = {
		.address = house->address,
		.words = words,
		.word_count = 3,
		.timeout_ns = 5 * NS_PER_SEC,
		.on_answer = on_answer,
		.arg = outcome,
	};
	struct talk_ask *ask;
	must(talk_ask(sim_node_world(house->b), &question, &ask, NULL) == 0);
	return ask;
}

static void comes_to(struct house *house, int err, const char *text)
{
	struct outcome outcome = {0};
	ask(house, &outcome);
	CHECK_EQ(outcome.calls, 0);
	sim_run(house->sim, sim_now(house->sim) + 10 * NS_PER_SEC);
	CHECK_EQ(outcome.calls, 1);
	CHECK_EQ(outcome.err, err);
	CHECK_STR(outcome.text, text);
}

TEST(a_question_is_answered)
{
	OWN(house_done) struct house house;
	house_init(&house);
	serve(&house);
	comes_to(&house, 0, "{\"ok\":true,\"words\":3}");
}

TEST(many_at_once_all_get_their_answer)
{
	OWN(house_done) struct house house;
	enum { MANY = 200 };
	static struct outcome outcomes[MANY];
	house_init(&house);
	move_in(&house);
	serve(&house);
	for (int i = 0; i < MANY; i++)
		ask(&house, &outcomes[i]);
	sim_run(house.sim, 10 * NS_PER_SEC);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(outcomes[i].calls, 1);
		CHECK_STR(outcomes[i].text, "{\"ok\":true,\"words\":3}");
	}
}

TEST(nobody_listens)
{
	OWN(house_done) struct house house;
	struct outcome outcome = {0};
	house_init(&house);
	ask(&house, &outcome);
	sim_run(house.sim, 10 * NS_PER_SEC);
	CHECK_EQ(outcome.calls, 1);
	CHECK_EQ(outcome.err, -ECONNREFUSED);
}

TEST(silence_ends_at_the_deadline)
{
	OWN(house_done) struct house house;
	house_init(&house);
	serve(&house);
	sim_node_pause(house.a, NS_PER_HOUR);
	comes_to(&house, -ETIMEDOUT, "sim:a/control did not answer within 5s");
}

TEST(hung_up_before_a_whole_answer)
{
	OWN(house_done) struct house house;
	house_init(&house);
	serve_babble(&house, "{\"ok\":tr", 8);
	comes_to(&house, -EPIPE, "sim:a/control hung up before it answered");
}

TEST(an_answer_of_no_ebb)
{
	OWN(house_done) struct house house;
	house_init(&house);
	serve_babble(&house, "220 mail\r\n", 10);
	comes_to(&house, -EBADMSG,
		"sim:a/control: not a reply of ebb: '[' or '{' expected near '220'");
}

TEST(an_answer_without_end)
{
	OWN(house_done) struct house house;
	OWN(own_free) char *noise = malloc(2 * TALK_REPLY_MAX);
	must(noise);
	memset(noise, 'x', 2 * TALK_REPLY_MAX);
	house_init(&house);
	serve_babble(&house, noise, 2 * TALK_REPLY_MAX);
	comes_to(&house, -EMSGSIZE, "sim:a/control answers more than 1 MiB");
}

/* Busy for good: asked again and again, until the time is over. */
TEST(a_busy_program_is_asked_until_the_deadline)
{
	OWN(house_done) struct house house;
	OWN(str_done) struct str busy = {0};
	house_init(&house);
	move_in(&house);
	talk_reply_busy(&busy);
	str_add(&busy, "\n");
	serve_babble(&house, busy.at, busy.len);
	house.waits = true;
	struct outcome outcome = {0};
	ask(&house, &outcome);
	for (int64_t at = NS_PER_MS; at < 4 * NS_PER_SEC; at += NS_PER_MS) {
		sim_run(house.sim, at);
		if (!house.says_len) {
			house.says = busy.at;
			house.says_len = busy.len;
		}
	}
	CHECK_STR(outcome.text, "");
	CHECK_EQ(outcome.calls, 0);
	sim_run(house.sim, 10 * NS_PER_SEC);
	CHECK_EQ(outcome.calls, 1);
}

TEST(a_cancelled_ask_tells_nothing)
{
	OWN(house_done) struct house house;
	struct outcome outcome = {0};
	house_init(&house);
	serve(&house);
	talk_cancel(ask(&house, &outcome));
	struct talk_ask *later = ask(&house, &outcome);
	sim_run(house.sim, 300 * NS_PER_US);
	talk_cancel(later);
	sim_run(house.sim, 10 * NS_PER_SEC);
	CHECK_EQ(outcome.calls, 0);
}

TEST(words_that_make_no_request_are_refused_at_once)
{
	OWN(house_done) struct house house;
	house_init(&house);
	struct why why = {""};
	const char *words[] = {""};
	struct talk_question question = {.address = "sim:a/x", .words = words, .word_count = 1};
	struct talk_ask *none;
	CHECK_EQ(talk_ask(sim_node_world(house.b), &question, &none, &why), -EINVAL);
	CHECK_STR(why.text, "a request begins with a verb");
}

TEST_MAIN
