/* SPDX-License-Identifier: Apache-2.0 */
/* Keepers, the devices they share, and the clock by which they are asked. */
#include "act/act.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "act/ledger.h"
#include "act/think.h"
#include "base/arena.h"
#include "base/container.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/vec.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/world.h"
#include "plan/check.h"

#define STEP_NS NS_PER_SEC
#define RETRY_NS NS_PER_MIN

/* A keeper does not move while its job runs: each is a piece of memory of its own. */
struct kept {
	struct keeper keeper;
	struct act *act;
	struct proc_use use;        /* since the last step */
	struct act_answers answers; /* of its volume; answers_ns 0: not told yet */
	int64_t answers_ns;
};

struct act {
	struct act_options options;
	struct job_home home;
	VEC(struct kept *) kept;
	VEC(struct device *) devices;
	struct arena arena;     /* of the last thought */
	struct thought thought; /* what is planned, by the number of what is kept */
	int64_t thought_s;      /* wall time of it; INT64_MIN: think again */
	struct timer timer;     /* while a job runs */
	int64_t step_ns;        /* monotonic, of the last step; 0: none */
	int64_t retry_ns;       /* monotonic: when to open the ledger anew */
	bool broken;            /* the ledger may have failed: it is opened anew when no job runs */
	struct why unopened;    /* "", or why the ledger is not open */
	struct why unbegun;     /* "", or why the last job did not begin */
	struct why unplanned;   /* "", or the hard rule that the last plan broke */
	uint64_t refused;       /* plans */
	size_t judged;          /* whose days were looked at last */
};

static int64_t wall_s(const struct act *act)
{
	return clock_wall_ns(act->options.world->clock) / NS_PER_SEC;
}

static void tell(const struct act *act, const struct keeper *keeper, const struct ledger_job *job,
	const char *trouble)
{
	struct act_event event = {keeper->how.name, job, trouble, NULL};
	if (act->options.on_event)
		act->options.on_event(act->options.arg, &event);
}

static void tell_news(const struct act *act, const struct keeper *keeper, const char *news)
{
	struct act_event event = {keeper->how.name, NULL, NULL, news};
	if (act->options.on_event)
		act->options.on_event(act->options.arg, &event);
}

/* ---- the ledger ---- */

static bool take_newest(void *arg, const struct ledger_job *job)
{
	struct keeper *keeper = arg;
	if (!keeper->last_s)
		keeper->last_s = job->started_s;
	keeper->work_s = keeper->work_s > 0 ? fmax(keeper->work_s, job->took_s) : job->took_s;
	return true;
}

/* What the ledger says of jobs that were. Three tell how large one may become. */
static void recall(struct act *act, struct keeper *keeper)
{
	struct ledger_ask ask = {.resource = keeper->how.name, .state = JOB_DONE, .max = 3};
	if (!act->home.ledger)
		return;
	act_ledger_each(act->home.ledger, &ask, take_newest, keeper);
	act_ledger_held(act->home.ledger, keeper->how.name, &keeper->held);
}

static bool idle(const struct act *act)
{
	vec_each (kept, &act->kept)
		if ((*kept)->keeper.job.proc)
			return false;
	return true;
}

static void open_ledger(struct act *act)
{
	int64_t now_ns = clock_mono_ns(act->options.world->clock);
	bool closed = !act->home.ledger || (act->broken && idle(act));
	if (!closed || !act->kept.len || now_ns < act->retry_ns)
		return;
	act_ledger_close(TAKE(act->home.ledger));
	act->broken = false;
	act->unopened.text[0] = '\0';
	if (act_ledger_open(act->options.world, &act->home.ledger, &act->unopened)) {
		act->retry_ns = now_ns + RETRY_NS;
		return;
	}
	vec_each (kept, &act->kept)
		recall(act, &(*kept)->keeper);
}

/* ---- jobs ---- */

static void on_end(struct act_job *job, const struct ledger_job *seen)
{
	struct keeper *keeper = container_of(job, struct keeper, job);
	struct kept *kept = container_of(keeper, struct kept, keeper);
	keeper_learn(keeper, seen, wall_s(kept->act));
	kept->act->thought_s = INT64_MIN;
	tell(kept->act, keeper, seen, NULL);
}

/* The facts of the last thought; "" when there is no memory for them. */
static void begin(struct act *act, struct keeper *keeper, uint64_t pace)
{
	const struct keeper_plan *plan = &keeper->plan;
	OWN(str_done) struct str facts = {0};
	facts_show(&act->thought.facts, &facts);
	struct ledger_job decided = {
		.due_s = plan->due_s,
		.price = keeper->asked ? (double)INFINITY
			: plan->alone  ? -1
				       : plan->price,
		.in_time = plan->in_time,
		.binding = plan->binding,
		.work_s = keeper->work_s,
		.facts = str_error(&facts) ? "" : str_text(&facts),
	};
	struct why why;
	if (job_begin(&keeper->job, &decided, pace, &why)) {
		decided.state = JOB_FAILED;
		keeper_learn(keeper, &decided, wall_s(act));
		tell(act, keeper, NULL, why.text);
		act->unbegun = why;
		act->broken = true;
		act->retry_ns = clock_mono_ns(act->options.world->clock) + RETRY_NS;
		return;
	}
	act->unbegun.text[0] = '\0';
	tell(act, keeper, &keeper->job.seen, NULL);
}

/* ---- what is wanted ---- */

static struct keeper_plan plan_of(const struct decision *says)
{
	struct keeper_plan plan = {
		.wanted = says->wanted,
		.alone = says->driver == DRIVER_REACTIVE,
		.pressed = says->pressed,
		.will_miss = says->will_miss,
		.release_s = says->release_ns / NS_PER_SEC,
		.due_s = says->due_ns / NS_PER_SEC,
		.price = says->price,
		.in_time = says->in_time,
		.harm = says->harm,
		.score = says->score,
		.binding = says->binding,
	};
	if (says->window.from_ns < says->window.until_ns) {
		plan.begins_s = says->window.from_ns / NS_PER_SEC;
		plan.ends_s = says->window.until_ns / NS_PER_SEC;
	}
	return plan;
}

enum { IDLE_S = 3600 }; /* between thoughts while nothing may be done yet */

/* Has any moment passed since the last thought at which the answer may be another? */
static bool is_stale(const struct act *act, int64_t now_s)
{
	bool slot = act->thought_s / DEVICE_SLOT_S != now_s / DEVICE_SLOT_S;
	if (act->thought_s / IDLE_S != now_s / IDLE_S)
		return true;
	vec_each (kept, &act->kept) {
		const struct keeper *keeper = &(*kept)->keeper;
		if (slot && (keeper->job.proc || keeper->plan.release_s <= now_s))
			return true;
		const int64_t moments[] = {
			keeper->plan.release_s, keeper->plan.due_s, keeper->retry_s};
		for (size_t i = 0; i < sizeof(moments) / sizeof(*moments); i++)
			if (moments[i] > act->thought_s && moments[i] <= now_s)
				return true;
	}
	return false;
}

/*
 * A plan that breaks a hard rule is not followed. Feedback alone then keeps what is due, but for
 * what people hold and what has hours: of that the last plan holds.
 */
static void do_without(struct act *act, const struct check *check, int64_t now_s)
{
	act->refused++;
	why_set(&act->unplanned, -EPERM, "a plan was refused, for it breaks a hard rule: %.300s",
		check->first.text);
	vec_each (kept, &act->kept) {
		struct keeper *keeper = &(*kept)->keeper;
		int64_t best_s = keeper->how.best_rpo_ns / NS_PER_SEC;
		if (keeper->held || keeper->how.hours_count)
			continue;
		keeper->plan = (struct keeper_plan){.wanted = WANTED_RUN,
			.alone = true,
			.release_s = keeper->last_s ? keeper->last_s + best_s : 0,
			.due_s = keeper->last_s + keeper->how.rpo_ns / NS_PER_SEC};
	}
	act->thought_s = now_s;
	if (act->refused == 1 && act->kept.len)
		tell_news(act, &act->kept.at[0]->keeper, act->unplanned.text);
}

/* Without memory the last plan holds. */
static void think_again(struct act *act)
{
	const struct keeper *keepers[CONF_PROTECTED_MAX];
	int64_t now_ns = clock_wall_ns(act->options.world->clock);
	if (!is_stale(act, now_ns / NS_PER_SEC))
		return;
	struct arena arena = {0};
	struct thought thought;
	for (size_t i = 0; i < act->kept.len; i++)
		keepers[i] = &act->kept.at[i]->keeper;
	struct check check = {0};
	int err = think(keepers, act->kept.len, now_ns, &arena, &thought);
	if (!err)
		err = plan_check(&thought.facts, &thought.plan, &arena, &check);
	if (err) {
		if (err == -EPERM)
			do_without(act, &check, now_ns / NS_PER_SEC);
		arena_done(&arena);
		return;
	}
	arena_done(&act->arena);
	act->arena = arena;
	act->thought = thought;
	act->thought_s = now_ns / NS_PER_SEC;
	act->unplanned.text[0] = '\0';
	for (size_t i = 0; i < act->kept.len; i++)
		act->kept.at[i]->keeper.plan = plan_of(&thought.plan.decisions[i]);
}

/* ---- a step ---- */

/* How much of the device's bytes since the last step were ours. */
static struct device_own own_of(const struct act *act, const struct device *device)
{
	struct device_own sum = {0};
	vec_each (kept, &act->kept)
		if ((*kept)->keeper.device == device) {
			sum.read_bytes += (*kept)->use.read_bytes;
			sum.write_bytes += (*kept)->use.write_bytes;
		}
	return sum;
}

/*
 * What a job moved. Where it is another program that reads for it, ebb-vold or PostgreSQL, the
 * kernel does not tell: then it is taken to have used what it may.
 */
static struct proc_use used(struct keeper *keeper, double span_s)
{
	struct proc_use use = job_use(&keeper->job);
	bool others = *keeper->how.volume || *keeper->how.postgres;
	if (!others || !keeper->job.proc || keeper->job.seen.state != JOB_SHIPS)
		return use;
	uint64_t granted = (uint64_t)(keeper->pacer.share * keeper->device->capacity * span_s);
	use.read_bytes = use.read_bytes > granted ? use.read_bytes : granted;
	use.asked_bytes = use.asked_bytes > granted ? use.asked_bytes : granted;
	return use;
}

/* What cannot be read of the host is a gap: devices are then taken to be as they were. */
static void observe(struct act *act, double span_s)
{
	static const struct host_reading none;
	struct host_reading reading = none;
	vec_each (kept, &act->kept)
		(*kept)->use = used(&(*kept)->keeper, span_s);
	if (host_read(act->options.world->host, &reading, NULL))
		return;
	vec_each (device, &act->devices) {
		struct device_own own = own_of(act, *device);
		device_observe(*device, &reading, wall_s(act), &own);
	}
}

/* What the job did of all that ours did to the device. */
static void account(const struct act *act, struct kept *kept, double span_s)
{
	const struct device *device = kept->keeper.device;
	struct ledger_job *seen = &kept->keeper.job.seen;
	struct device_own all = own_of(act, device);
	uint64_t own = kept->use.read_bytes + kept->use.write_bytes;
	uint64_t sum = all.read_bytes + all.write_bytes;
	double part = sum ? (double)own / (double)sum : 0;
	seen->took_s += device->own * span_s * part;
	seen->harm += harm_rate(&kept->keeper.disk, device->users, device->own) * span_s * part;
	seen->bytes += own;
}

static void step_one(struct act *act, struct kept *kept, double span_s)
{
	struct keeper *keeper = &kept->keeper;
	int64_t now_s = wall_s(act);
	if (keeper->job.proc)
		account(act, kept, span_s);
	uint64_t pace = keeper_step(keeper, now_s, span_s, kept->use.asked_bytes);
	if (keeper->job.proc)
		job_pace(&keeper->job, pace);
	else if (act->home.ledger && !act->broken && keeper_wants(keeper, now_s))
		begin(act, keeper, pace);
}

static void step(struct act *act)
{
	int64_t now_ns = clock_mono_ns(act->options.world->clock);
	double span_s = act->step_ns ? (double)(now_ns - act->step_ns) / 1e9 : 0;
	act->step_ns = now_ns;
	observe(act, span_s);
	open_ledger(act);
	think_again(act);
	vec_each (kept, &act->kept) {
		if (span_s > 0)
			step_one(act, *kept, span_s);
	}
	if (!idle(act))
		timer_set(act->options.world->loop, &act->timer, now_ns + STEP_NS);
}

static void on_timer(struct timer *timer)
{
	step(container_of(timer, struct act, timer));
}

/* One day of one resource a turn: it takes its time, and there is time. */
static void judge_one(struct act *act)
{
	if (!act->kept.len)
		return;
	act->judged = (act->judged + 1) % act->kept.len;
	struct kept *kept = act->kept.at[act->judged];
	enum driver was = backtest_driver(&kept->keeper.backtest);
	if (!keeper_judge(&kept->keeper) || backtest_driver(&kept->keeper.backtest) == was)
		return;
	act->thought_s = INT64_MIN;
	tell_news(act, &kept->keeper,
		was == DRIVER_PLANNER ? "the forecast did worse than feedback on the last seven "
					"days: feedback alone drives its jobs"
				      : "the forecast is worth following again");
}

void act_turn(struct act *act, struct series *series)
{
	vec_each (device, &act->devices)
		if (series && !(*device)->recalled)
			device_remember(*device, series, wall_s(act));
	judge_one(act);
	/* While a job runs its own clock does it. */
	if (act->kept.len && !act->timer.place)
		step(act);
}

/* ---- what is kept ---- */

static struct device *device_of(struct act *act, const char *name)
{
	vec_each (device, &act->devices)
		if (strcmp((*device)->name, name) == 0)
			return *device;
	struct device *device = malloc(sizeof(*device));
	if (!device)
		return NULL;
	device_begin(device, name, act->options.local, wall_s(act));
	if (vec_push(&act->devices, device)) {
		free(device);
		return NULL;
	}
	return device;
}

static void kept_free(struct kept *kept)
{
	if (!kept)
		return;
	job_leave(&kept->keeper.job);
	free(kept);
}

static struct kept *kept_new(struct act *act, const struct conf_protect *how)
{
	struct device *device = device_of(act, how->disk);
	struct kept *kept = device ? calloc(1, sizeof(*kept)) : NULL;
	if (!kept)
		return NULL;
	kept->act = act;
	keeper_begin(&kept->keeper, how, device);
	kept->keeper.job = (struct act_job){
		.home = &act->home, .how = &kept->keeper.how, .on_end = on_end, .pace = UINT64_MAX};
	recall(act, &kept->keeper);
	return kept;
}

static struct kept *find(const struct act *act, const char *name)
{
	vec_each (kept, &act->kept)
		if (strcmp((*kept)->keeper.how.name, name) == 0)
			return *kept;
	return NULL;
}

/* One that is kept as before goes on as it is, its job too. */
static bool stays(const struct act *act, const struct conf_protect *how)
{
	const struct kept *kept = find(act, how->name);
	return kept && memcmp(&kept->keeper.how, how, sizeof(*how)) == 0;
}

int act_set(struct act *act, const struct conf_protects *protects)
{
	typeof(act->kept) made = {0};
	int err = 0;
	vec_each (how, &protects->list) {
		struct kept *kept = stays(act, how) ? find(act, how->name) : kept_new(act, how);
		err = kept ? vec_push(&made, kept) : -ENOMEM;
		if (err && kept && !stays(act, how))
			kept_free(kept);
		if (err)
			break;
	}
	typeof(act->kept) *gone = err ? &made : &act->kept, *left = err ? &act->kept : &made;
	vec_each (kept, gone) {
		bool used = false;
		vec_each (other, left)
			used |= *other == *kept;
		if (!used)
			kept_free(*kept);
	}
	vec_done(gone);
	if (!err)
		act->kept = made;
	act->thought_s = INT64_MIN;
	return err;
}

int act_open(const struct act_options *options, struct act **ret_act)
{
	struct act *act = calloc(1, sizeof(*act));
	if (!act)
		return -ENOMEM;
	act->options = *options;
	act->timer.fn = on_timer;
	act->home = (struct job_home){.world = options->world,
		.program = options->program,
		.state = options->state,
		.env = options->env};
	act->thought_s = INT64_MIN;
	*ret_act = act;
	return 0;
}

void act_close(struct act *act)
{
	if (!act)
		return;
	timer_cancel(act->options.world->loop, &act->timer);
	vec_each (kept, &act->kept)
		kept_free(*kept);
	vec_done(&act->kept);
	vec_each (device, &act->devices)
		free(*device);
	vec_done(&act->devices);
	act_ledger_close(act->home.ledger);
	arena_done(&act->arena);
	free(act);
}

size_t act_count(const struct act *act)
{
	return act->kept.len;
}

const struct keeper *act_keeper(const struct act *act, size_t i)
{
	return &act->kept.at[i]->keeper;
}

const struct keeper *act_find(const struct act *act, const char *name)
{
	const struct kept *kept = find(act, name);
	return kept ? &kept->keeper : NULL;
}

bool act_now(struct act *act, const char *name)
{
	struct kept *kept = find(act, name);
	if (kept)
		kept->keeper.asked = true;
	return kept != NULL;
}

int act_hold(struct act *act, const char *name, bool held, struct why *why)
{
	struct kept *kept = find(act, name);
	if (!kept)
		return why_set(why, -ENOENT, "nothing is protected under the name %.100s", name);
	if (!act->home.ledger)
		return why_set(why, -EIO, "the ledger is not open: %.300s", act->unopened.text);
	int err = act_ledger_hold(act->home.ledger, name, held, why);
	if (err)
		return err;
	kept->keeper.held = held;
	act->thought_s = INT64_MIN;
	return 0;
}

static void answered(struct kept *kept, const struct act_answers *now, int64_t now_ns)
{
	struct act_answers was = kept->answers;
	struct keeper *keeper = &kept->keeper;
	double span_s = (double)(now_ns - kept->answers_ns) / 1e9;
	bool goes_on = kept->answers_ns && was.life == now->life && now->requests >= was.requests &&
		now->took_ns >= was.took_ns && span_s > 0;
	kept->answers = *now;
	kept->answers_ns = now_ns;
	if (goes_on)
		waits_observe_users(&keeper->volume, span_s, (double)(now->requests - was.requests),
			(double)(now->took_ns - was.took_ns) / 1e9,
			keeper->job.proc && keeper->pacer.share > 0);
}

void act_volume(struct act *act, const char *volume, const struct act_answers *now)
{
	int64_t now_ns = clock_mono_ns(act->options.world->clock);
	vec_each (kept, &act->kept)
		if (strcmp((*kept)->keeper.how.volume, volume) == 0)
			answered(*kept, now, now_ns);
}

bool act_cancel(struct act *act, const char *name)
{
	struct kept *kept = find(act, name);
	if (!kept || !kept->keeper.job.proc)
		return false;
	job_cancel(&kept->keeper.job);
	return true;
}

const char *act_failure(const struct act *act)
{
	const struct why *why = act->unopened.text[0] ? &act->unopened
		: act->unbegun.text[0]                ? &act->unbegun
						      : &act->unplanned;
	return why->text[0] ? why->text : NULL;
}

uint64_t act_refused(const struct act *act)
{
	return act->refused;
}

struct ledger *act_ledger(const struct act *act)
{
	return act->home.ledger;
}

bool act_device(const struct act *act, size_t i, const struct device **ret_device)
{
	if (i >= act->devices.len)
		return false;
	*ret_device = act->devices.at[i];
	return true;
}

void act_why(const struct act *act, const char *name, struct str *text)
{
	for (size_t i = 0; i < act->thought.plan.count; i++)
		if (strcmp(act->thought.facts.resources[i].name, name) == 0)
			plan_show_one(&act->thought.facts, &act->thought.plan.decisions[i], text);
}

struct past_job {
	int64_t id;
	struct str *facts, *resource;
};

static bool take_facts(void *arg, const struct ledger_job *job)
{
	struct past_job *past = arg;
	if (job->id == past->id && job->facts && *job->facts) {
		str_add(past->facts, job->facts);
		str_add(past->resource, job->resource);
	}
	return false;
}

static int decide_again(struct arena *arena, const struct str *from, const char *resource,
	struct str *text, struct why *why)
{
	struct facts facts;
	struct plan plan;
	int err = facts_read(arena, "ledger.db", from->at, from->len, &facts, why);
	if (!err)
		err = plan_decide(&facts, arena, &plan);
	if (err)
		return err == -EINVAL ? -EBADMSG : err;
	for (size_t i = 0; i < plan.count; i++)
		if (strcmp(facts.resources[i].name, resource) == 0)
			plan_show_one(&facts, &plan.decisions[i], text);
	return 0;
}

int act_why_job(const struct act *act, int64_t id, struct str *text, struct why *why)
{
	OWN(str_done) struct str facts = {0}, resource = {0};
	struct past_job past = {id, &facts, &resource};
	struct ledger_ask ask = {.below = id + 1, .max = 1};
	if (act->home.ledger && id > 0 && id < INT64_MAX)
		act_ledger_each(act->home.ledger, &ask, take_facts, &past);
	if (str_error(&facts) || str_error(&resource))
		return why_set(why, -ENOMEM, "no memory");
	if (!facts.len)
		return why_set(why, -ENOENT,
			"there is no job %" PRId64 ", or what was known at it is kept no longer "
			"(that of the newest %d is)",
			id, LEDGER_FACTS);
	struct arena arena = {0};
	int err = decide_again(&arena, &facts, str_text(&resource), text, why);
	arena_done(&arena);
	return err;
}

/* Points that cost next to nothing are made as much more or less often. */
static struct keeper with_rpo(const struct keeper *keeper, int64_t rpo_ns)
{
	struct keeper other = *keeper;
	double change = (double)rpo_ns / (double)keeper->how.rpo_ns;
	other.how.rpo_ns = rpo_ns;
	other.how.best_rpo_ns = (int64_t)((double)keeper->how.best_rpo_ns * change);
	return other;
}

int act_what_if(const struct act *act, const char *name, int64_t rpo_ns,
	struct keeper_plan *ret_plan, struct str *ret_why)
{
	const struct keeper *keepers[CONF_PROTECTED_MAX];
	struct arena arena = {0};
	struct thought thought;
	struct keeper other;
	size_t which = act->kept.len;
	for (size_t i = 0; i < act->kept.len; i++) {
		keepers[i] = &act->kept.at[i]->keeper;
		if (strcmp(keepers[i]->how.name, name) == 0)
			which = i;
	}
	if (which == act->kept.len)
		return -ENOENT;
	other = with_rpo(keepers[which], rpo_ns);
	keepers[which] = &other;
	int err = think(
		keepers, act->kept.len, clock_wall_ns(act->options.world->clock), &arena, &thought);
	if (!err) {
		*ret_plan = plan_of(&thought.plan.decisions[which]);
		plan_show_one(&thought.facts, &thought.plan.decisions[which], ret_why);
	}
	arena_done(&arena);
	return err;
}
