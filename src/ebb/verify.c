/* SPDX-License-Identifier: Apache-2.0 */
/* Proving that a repository holds what it says, and making whole what can be. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/ledger.h"
#include "ebb/shown.h"
#include "os/clock.h"
#include "os/dice.h"
#include "ship/need.h"
#include "ship/verify.h"

/* Proofs are written down so often: what an interrupted run loses at most. */
#define FLUSH_NS (10 * NS_PER_SEC)

struct choice {
	struct check_object object;
	int64_t proved_ns; /* 0: never */
	uint64_t chance;
};

struct verifying {
	struct keep *keep;
	const struct call *call;
	bool one; /* of all points this one alone is proved */
	struct point point;
	VEC(struct check_object) objects; /* to be read, in this order */
	uint64_t all;                     /* objects there are */
	bool partial;
	int64_t until_ns, flushed_ns; /* monotonic */
	VEC(struct catalog_proof) proofs;
	json_t *affected;
	uint64_t read;
};

static void verifying_done(struct verifying *v)
{
	vec_done(&v->objects);
	vec_done(&v->proofs);
	json_decref(v->affected);
}

/* ---- which objects, and in which order ---- */

typedef VEC(struct choice) choices_t;

static int by_object(const void *a, const void *b)
{
	const struct choice *one = a, *other = b;
	if (one->object.kind != other->object.kind)
		return one->object.kind < other->object.kind ? -1 : 1;
	return memcmp(&one->object.id, &other->object.id, sizeof(one->object.id));
}

/* Oldest proof first, those of no proof before all; among equals chance. */
static int by_age(const void *a, const void *b)
{
	const struct choice *one = a, *other = b;
	if (one->proved_ns != other->proved_ns)
		return one->proved_ns < other->proved_ns ? -1 : 1;
	return (one->chance > other->chance) - (one->chance < other->chance);
}

static bool note_proof(void *arg, const struct catalog_proof *proof)
{
	choices_t *choices = arg;
	struct choice key = {.object = {.kind = proof->kind, .id = proof->id}};
	struct choice *found = bsearch(&key, choices->at, choices->len, sizeof(key), by_object);
	if (found)
		found->proved_ns = proof->at_ns;
	return true;
}

/* Without a catalog nothing was proved, and chance alone orders. */
static void order(struct verifying *v, choices_t *choices)
{
	struct ledger ledger;
	if (!choices->len)
		return;
	qsort(choices->at, choices->len, sizeof(*choices->at), by_object);
	if (ledger_open(v->keep, false, &ledger))
		catalog_proofs(ledger.catalog, repo_id(v->keep->repo), note_proof, choices);
	ledger_close(&ledger);
	qsort(choices->at, choices->len, sizeof(*choices->at), by_age);
}

/* "5%": 1 to 100, or 0 when it is none. */
static unsigned read_percent(const char *text)
{
	char *end;
	unsigned long percent = strtoul(text, &end, 10);
	bool good = end > text && strcmp(end, "%") == 0 && *text != '-' && *text != '+';
	return good && percent >= 1 && percent <= 100 ? (unsigned)percent : 0;
}

/* The share of bytes that --sample wants, the smallest number of objects that make it. */
static int cut_sample(struct verifying *v, uint64_t bytes)
{
	const char *text = v->call->args.values[OPTION_SAMPLE];
	unsigned percent = text ? read_percent(text) : 100;
	uint64_t want = bytes / 100 * percent + bytes % 100 * percent / 100, have = 0;
	size_t count = 0;
	if (!percent)
		return call_fail(EXIT_USAGE,
			"--sample: '%.40s' is not a share: write 1%% to 100%%, like 5%%", text);
	while (count < v->objects.len && (have < want || !count))
		have += v->objects.at[count++].size;
	if (percent < 100)
		v->objects.len = count;
	v->partial |= percent < 100;
	return EXIT_OK;
}

static int read_time(struct verifying *v)
{
	const char *text = v->call->args.values[OPTION_FOR];
	int64_t now = clock_mono_ns(v->keep->world->clock), ns = 0;
	struct why why;
	v->until_ns = INT64_MAX;
	v->flushed_ns = now;
	if (!text)
		return EXIT_OK;
	if (units_duration(text, &ns, &why))
		return call_fail(EXIT_USAGE, "--for: %s", why.text);
	v->until_ns = now < INT64_MAX - ns ? now + ns : INT64_MAX;
	return EXIT_OK;
}

/* Those of no proof stand first. */
static void cut_proved(struct verifying *v, choices_t *choices)
{
	size_t count = 0;
	while (count < choices->len && !choices->at[count].proved_ns)
		count++;
	v->partial |= count < choices->len;
	choices->len = count;
}

static int fill(struct verifying *v, const struct check_list *list, choices_t *choices)
{
	uint64_t bytes = 0;
	v->all = list->objects.len;
	vec_each (object, &list->objects) {
		struct choice choice = {*object, 0, dice_u64(v->keep->world->dice)};
		bytes += object->size;
		if (vec_push(choices, choice))
			return call_fail(EXIT_FAILED, "no memory");
	}
	order(v, choices);
	if (args_given(&v->call->args, OPTION_NEW))
		cut_proved(v, choices);
	vec_each (choice, choices)
		if (vec_push(&v->objects, choice->object))
			return call_fail(EXIT_FAILED, "no memory");
	return cut_sample(v, bytes);
}

static int choose(struct verifying *v)
{
	struct check_list list = {0};
	choices_t choices = {0};
	struct why why = {""};
	int code = read_time(v);
	if (code)
		return code;
	int err = repo_check_list(v->keep->repo, &list, &why);
	if (!err && v->one)
		err = need_only(v->keep->repo, &v->point, &list);
	if (err == -ENOMEM)
		why_set(&why, err, "no memory");
	code = err ? keep_fail(v->keep, err, &why) : fill(v, &list, &choices);
	vec_done(&choices);
	check_list_done(&list);
	return code;
}

/* ---- while it runs ---- */

static void flush(struct verifying *v)
{
	struct ledger ledger;
	struct why why = {""};
	v->flushed_ns = clock_mono_ns(v->keep->world->clock);
	if (!v->proofs.len || !ledger_open(v->keep, true, &ledger))
		return;
	if (catalog_prove(
		    ledger.catalog, repo_id(v->keep->repo), v->proofs.at, v->proofs.len, &why))
		call_fail(0, "proofs are not remembered: %s", why.text);
	v->proofs.len = 0;
	ledger_close(&ledger);
}

static bool on_object(void *arg, const struct check_object *object, enum check_state state)
{
	struct verifying *v = arg;
	bool whole = state == CHECK_WHOLE || state == CHECK_MENDED || state == CHECK_COPIED;
	struct catalog_proof proof = {.kind = object->kind,
		.id = object->id,
		.at_ns = whole ? clock_wall_ns(v->keep->world->clock) : 0};
	int64_t now = clock_mono_ns(v->keep->world->clock);
	v->read++;
	/* One that is not remembered is proved again: that harms nothing. */
	if (vec_push(&v->proofs, proof) || now - v->flushed_ns > FLUSH_NS)
		flush(v);
	if (now < v->until_ns || v->read == v->objects.len)
		return true;
	v->partial = true;
	return false;
}

static void on_trouble(void *arg, const char *what)
{
	OWN(str_done) struct str text = {0};
	(void)arg;
	shown_add(&text, what, strlen(what));
	fprintf(stderr, "ebb: %s\n", str_text(&text));
}

static void on_affected(void *arg, const struct object_id *point, const char *path)
{
	struct verifying *v = arg;
	char hex[33];
	json_t *one = json_pack("{s:s}", "point", object_show_id(point, hex));
	if (!one)
		return;
	shown_set(one, "path", path, strlen(path));
	json_array_append_new(v->affected, one);
}

/* ---- what it came to ---- */

static json_t *result_json(const struct verifying *v, const struct verify_result *result)
{
	const struct check_result *check = &result->check;
	char hex[33];
	json_t *document = json_pack(
		"{s:s,s:I,s:I,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:O}", "type",
		"verify", "objects", (json_int_t)check->objects, "of_objects", (json_int_t)v->all,
		"partial", v->partial, "bytes", (json_int_t)check->bytes, "chunks",
		(json_int_t)check->chunks, "mendable", (json_int_t)check->mendable, "mended",
		(json_int_t)check->mended, "idle", (json_int_t)check->idle, "copied",
		(json_int_t)check->copied, "damaged", (json_int_t)check->damaged, "renewed",
		(json_int_t)result->renewed, "lost", (json_int_t)check->lost, "fetched",
		(json_int_t)result->fetched, "points", (json_int_t)result->points, "broken",
		(json_int_t)result->broken, "missing", (json_int_t)result->missing, "affected",
		v->affected);
	if (document && v->one)
		json_object_set_new(
			document, "point", json_string(object_show_id(&v->point.id, hex)));
	return document;
}

static void add_damage(struct str *text, const struct verify_result *result)
{
	const struct check_result *check = &result->check;
	if (check->mendable)
		str_addf(text, "%s damaged, %" PRIu64 " mended%s\n",
			COUNT(check->mendable, "object was", "objects were"), check->mended,
			check->mended < check->mendable ? "; --repair mends the others" : "");
	if (check->idle)
		str_addf(text, "%s damaged that nothing needs: a collection removes that\n",
			COUNT(check->idle, "object is", "objects are"));
	if (check->copied)
		str_addf(text, "%s taken from the other copy\n",
			COUNT(check->copied, "object was", "objects were"));
	if (check->damaged)
		str_addf(text, "%s beyond parity, with %s%s\n",
			COUNT(check->damaged, "object is", "objects are"),
			COUNT(check->lost, "chunk", "chunks"),
			result->renewed == check->damaged ? "; what was left is in new ones"
							  : "; --repair saves what is left, "
							    "--from URL takes the rest from "
							    "another copy");
	if (result->affected)
		str_addf(text,
			"%s not as before, in %" PRIu64
			" of %s: see above. What the source still has, the next backup stores "
			"again\n",
			COUNT(result->affected, "file or folder is", "files or folders are"),
			result->broken, COUNT(result->points, "point", "points"));
}

static int say_result(const struct verifying *v, const struct verify_result *result)
{
	OWN(str_done) struct str text = {0};
	const struct check_result *check = &result->check;
	if (args_given(&v->call->args, OPTION_JSON))
		return call_print_json(result_json(v, result));
	str_addf(&text, "read back %" PRIu64 " of %s, %s, %s; followed %s\n", v->read,
		COUNT(v->all, "object", "objects"), BYTES(check->bytes),
		COUNT(check->chunks, "chunk", "chunks"), COUNT(result->points, "point", "points"));
	add_damage(&text, result);
	if (verify_is_whole(result) && !check->mendable && !check->copied && !check->damaged &&
		!check->idle)
		str_addf(&text, "%s is as it was written\n",
			v->partial       ? "this part"
				: v->one ? "the point"
					 : "all of it");
	return call_print(&text);
}

static int run(struct verifying *v, struct repo *from, struct catalog_job *job)
{
	static const struct check_object none;
	struct verify_result result;
	struct why why = {""};
	const struct verify_options how = {
		.objects = v->objects.len ? v->objects.at : &none, /* NULL: all */
		.object_count = v->objects.len,
		.repair = args_given(&v->call->args, OPTION_REPAIR),
		.follow = !v->partial && v->until_ns == INT64_MAX,
		.only = v->one ? &v->point.id : NULL,
		.from = from,
		.on_trouble = on_trouble,
		.on_object = on_object,
		.on_affected = on_affected,
		.arg = v,
	};
	int err = verify_repo(v->keep->repo, &how, &result, &why);
	flush(v);
	if (err)
		return keep_fail(v->keep, err, &why);
	job->read_bytes = result.check.bytes;
	job->entries = result.check.objects;
	int code = say_result(v, &result);
	return code ? code : verify_is_whole(&result) ? EXIT_OK : EXIT_DAMAGED;
}

/*
 * What opening needs may be what is gone: with another copy of the same repository it comes back
 * first. `code` is how opening failed.
 */
static int open_again(struct verifying *v, const char *from, int code)
{
	OWN(keep_other_done) struct keep_other copy = {0};
	struct check_options how = {.repair = true, .on_trouble = on_trouble, .arg = v};
	struct check_result result = {0};
	struct why why = {""};
	if (!v->keep->place.place || keep_open_other(v->keep, from, &copy))
		return code;
	if (repo_check_roots(copy.repo, v->keep->place.place, &how, &result, &why)) {
		call_fail(0, "%s: %s", from, why.text);
		return code;
	}
	if (!result.mended && !result.copied)
		return code;
	keep_other_done(&copy);
	copy = (struct keep_other){0};
	keep_done(v->keep);
	*v->keep = (struct keep){0};
	return keep_open(v->call, v->keep);
}

int call_verify(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(keep_other_done) struct keep_other other = {0};
	OWN(verifying_done)
	struct verifying v = {.keep = &keep, .call = call, .affected = json_array()};
	const char *from = call->args.values[OPTION_FROM];
	int code = keep_open(call, &keep);
	if (code && from && args_given(&call->args, OPTION_REPAIR))
		code = open_again(&v, from, code);
	if (!code && from)
		code = keep_open_other(&keep, from, &other);
	v.one = call->args.operand_count;
	if (!code && v.one)
		code = keep_find_point(&keep, call->args.operands[0], &v.point);
	if (!code)
		code = choose(&v);
	if (code)
		return code;
	struct catalog_job job = ledger_begin(&keep, JOB_VERIFY);
	if (v.one)
		job.resource = v.point.resource;
	return ledger_end(&keep, &job, run(&v, other.repo, &job));
}
