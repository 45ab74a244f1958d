/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the book tells, what, how often; after failures, restarts and other configurations. */
#include "notify/book.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/test.h"
#include "base/units.h"
#include "os/procs.h"
#include "os/world.h"
#include "sim/procs.h"
#include "sim/sim.h"

static const char program[] = "/usr/bin/ebb";

/* A node whose ebb is a script, and turns of ten seconds. */
struct scene {
	struct sim *sim;
	struct sim_node *node;
	struct book *book;
	struct conf_notifies to;
	struct str told; /* "NAME EVENT STATE RESOURCE\n" of each child that was started */
	int starts;
	uint8_t code;
	bool job_failed, damaged, at_risk;
};

static void script(struct scene *scene);

static void add_word(struct str *told, const char *document, const char *name)
{
	char key[32];
	snprintf(key, sizeof(key), "\"%s\":\"", name);
	const char *at = strstr(document, key);
	CHECK(at);
	if (at)
		str_addf(told, " %.*s", (int)strcspn(at + strlen(key), "\""), at + strlen(key));
}

static void on_start(void *arg, struct sim_node *node, const struct proc_spec *spec)
{
	struct scene *scene = arg;
	(void)node;
	scene->starts++;
	CHECK_STR(spec->argv[1], "notify");
	CHECK_STR(spec->argv[2], "send");
	CHECK_STR(spec->argv[5], "--config");
	CHECK_STR(spec->argv[6], "/etc/ebb/ebb.yaml");
	str_add(&scene->told, spec->argv[3]);
	add_word(&scene->told, spec->argv[4], "event");
	add_word(&scene->told, spec->argv[4], "state");
	add_word(&scene->told, spec->argv[4], "resource");
	str_add(&scene->told, "\n");
	script(scene);
}

static void script(struct scene *scene)
{
	const struct sim_program next = {.program = program,
		.runs_ns = NS_PER_SEC,
		.code = scene->code,
		.on_start = on_start,
		.arg = scene};
	CHECK_EQ(sim_program_add(scene->sim, &next), 0);
}

static void to(struct scene *scene, const char *text)
{
	struct conf_errors errors = {0};
	const struct conf_file file = {"test", text, strlen(text)};
	conf_notifies_done(&scene->to);
	CHECK_EQ(conf_notifies_read(&file, 1, &scene->to, &errors), 0);
	CHECK_EQ(book_set(scene->book, &scene->to, "/etc/ebb/ebb.yaml", "here"), 0);
}

static void live(struct scene *scene)
{
	static const char *const env[] = {NULL};
	const struct book_options options = {.world = sim_node_world(scene->node),
		.program = program,
		.env = env,
		.identity = "one of sixteen"};
	CHECK_EQ(book_open(&options, &scene->book), 0);
}

static void on_death(void *arg, struct sim_node *node)
{
	struct scene *scene = arg;
	(void)node;
	book_close(TAKE(scene->book));
}

static void crash(struct scene *scene)
{
	sim_node_crash(scene->node);
	CHECK_EQ(sim_node_restart(scene->node), 0);
	live(scene);
	CHECK_EQ(book_set(scene->book, &scene->to, "/etc/ebb/ebb.yaml", "here"), 0);
}

static void begin(struct scene *scene, const char *text)
{
	*scene = (struct scene){.sim = sim_new(test_seed())};
	CHECK_EQ(sim_node_new(scene->sim, "here", &scene->node), 0);
	sim_node_on_death(scene->node, on_death, scene);
	script(scene);
	live(scene);
	to(scene, text);
}

static void done(struct scene *scene)
{
	sim_free(scene->sim); /* which ends the node */
	conf_notifies_done(&scene->to);
	str_done(&scene->told);
}

static void say(struct scene *scene, enum notice_kind kind, bool is_so)
{
	const struct notice notice = {kind, "home", is_so, is_so ? "It is \"so\"." : "It was."};
	book_say(scene->book, &notice);
}

/* Turns in which all that is watched is said. */
static void turns(struct scene *scene, int count)
{
	for (int i = 0; i < count; i++) {
		say(scene, NOTICE_JOB_FAILED, scene->job_failed);
		say(scene, NOTICE_DAMAGED, scene->damaged);
		say(scene, NOTICE_RPO_AT_RISK, scene->at_risk);
		book_turn(scene->book);
		sim_run(scene->sim, sim_now(scene->sim) + 10 * NS_PER_SEC);
	}
}

static void expect(struct scene *scene, const char *told)
{
	CHECK_STR(str_text(&scene->told), told);
	str_done(&scene->told);
	scene->told = (struct str){0};
}

TEST(told_once_when_it_begins_and_once_when_it_ends)
{
	OWN(done) struct scene scene;
	begin(&scene, "notify: {a: {mail: x}, b: {mail: y, events: damaged}}\n");
	turns(&scene, 3);
	expect(&scene, "");
	scene.job_failed = true;
	turns(&scene, 20);
	expect(&scene, "a job_failed begins home\n");
	scene.job_failed = false;
	turns(&scene, 20);
	expect(&scene, "a job_failed ends home\n");
	scene.damaged = true;
	turns(&scene, 3);
	scene.damaged = false;
	turns(&scene, 3);
	CHECK_EQ(scene.starts, 6);
	CHECK_EQ(book_waiting(scene.book), 0);
}

TEST(what_wavers_is_told_once)
{
	OWN(done) struct scene scene;
	begin(&scene, "notify: {a: {mail: x}}\n");
	for (int i = 0; i < 30; i++) {
		scene.at_risk = i % 2 == 0;
		turns(&scene, 10);
	}
	expect(&scene, "a rpo_at_risk begins home\n");
	turns(&scene, 70);
	expect(&scene, "a rpo_at_risk ends home\n");
}

TEST(one_who_fails_is_tried_again_less_and_less_often_and_holds_up_nobody)
{
	OWN(done) struct scene scene;
	begin(&scene, "notify: {a: {mail: x}}\n");
	scene.code = 1;
	script(&scene);
	scene.job_failed = true;
	turns(&scene, 360);
	CHECK(scene.starts >= 8 && scene.starts <= 14);
	CHECK_EQ(book_waiting(scene.book), 1);
	scene.code = 0;
	script(&scene);
	str_done(&scene.told);
	scene.told = (struct str){0};
	scene.job_failed = false;
	turns(&scene, 61);
	expect(&scene, "a job_failed begins home\na job_failed ends home\n");
	CHECK_EQ(book_waiting(scene.book), 0);
}

TEST(told_once_whatever_the_restarts)
{
	OWN(done) struct scene scene;
	struct rng rng;
	rng_seed(&rng, test_seed());
	begin(&scene, "notify: {a: {mail: x}}\n");
	scene.damaged = true;
	turns(&scene, 2);
	for (int i = 0; i < 5; i++) {
		crash(&scene);
		turns(&scene, 1 + (int)rng_below(&rng, 5));
	}
	expect(&scene, "a damaged begins home\n");
	/* What ended while nobody could be told is told. */
	scene.code = 1;
	script(&scene);
	scene.damaged = false;
	turns(&scene, 1);
	crash(&scene);
	scene.code = 0;
	script(&scene);
	turns(&scene, 3);
	expect(&scene, "a damaged ends home\na damaged ends home\n");
}

TEST(what_is_watched_no_more_ends_and_with_nobody_to_tell_nothing_is_kept)
{
	OWN(done) struct scene scene;
	begin(&scene, "notify: {a: {mail: x}}\n");
	scene.job_failed = true;
	turns(&scene, 2);
	book_keep(scene.book, NOTICE_JOB_FAILED, "home");
	book_turn(scene.book);
	book_turn(scene.book);
	sim_run(scene.sim, sim_now(scene.sim) + 10 * NS_PER_SEC);
	expect(&scene, "a job_failed begins home\na job_failed ends home\n");
	to(&scene, "notify: {}\n");
	turns(&scene, 3);
	to(&scene, "notify: {b: {mail: x}}\n");
	turns(&scene, 1);
	expect(&scene, "b job_failed begins home\n");
}

TEST_MAIN
