/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes of ebb-vold into a repository: cut, ship what changed, prove it, release.
 *
 * A run is known by its tag, of the repository's id and dice. It is the name of the snapshot that
 * the run reads, and of the consumer that keeps the eras since told apart; the point has it, with
 * the identity of the volume and the era, where other images have the stamp of their file:
 *
 *   cut         the snapshot TAG ends era E
 *   ship        the point of TAG and E exists
 *   passed      the consumer TAG has all up to E
 *   gone        the consumer of the run before
 *   drop        the snapshot TAG
 *
 * Whoever comes after a crash finds the newest point. Its consumer is there, or its snapshot still
 * is: then what changed since E is known. Else all blocks are compared by their sums. Either way
 * what else earlier runs of this repository left goes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/changes.h"
#include "ebb/exit.h"
#include "ebb/ledger.h"
#include "ebb/protect_to.h"
#include "ebb/vold.h"
#include "ebb/volume_link.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/world.h"
#include "ship/image.h"
#include "ship/image_prove.h"

enum { TAG = 48, TAG_DIGITS = 16, EXPORT = 128 };

struct protect {
	const struct call *call;
	const char *volume; /* its name */
	char resource[POINT_TEXT];
	struct backup_run run;
	struct vold vold;
	uint64_t id[2];    /* of the volume */
	char prefix[TAG];  /* of all tags of this repository */
	char tag[TAG];     /* of this run; "": none yet */
	uint64_t tag_bits; /* what in it is not the prefix */
	uint32_t era;      /* that its cut ended */
	bool has_parent, by_map;
	uint32_t since; /* with by_map */
	struct point parent;
	struct volume_link link;
	struct changes changes;
	struct image_result result;
};

static void protect_done(struct protect *p)
{
	changes_done(&p->changes);
	volume_link_close(&p->link);
	vold_done(&p->vold);
	backup_run_done(&p->run);
}

/* ---- what ebb-vold knows ---- */

static int ask_volume(struct protect *p, const json_t **ret_volume)
{
	const char *const words[] = {"show", p->volume};
	int code = vold_ask(&p->vold, words, 2);
	if (code)
		return code;
	*ret_volume = json_object_get(p->vold.answer, "volume");
	const char *state = json_string_value(json_object_get(*ret_volume, "state"));
	if (!state || strcmp(state, "open") != 0)
		return call_fail(EXIT_FAILED, "volume %s is %s", p->volume, state ? state : "?");
	return EXIT_OK;
}

/* Whether a list of the volume has one of that name, and then its number `what`. */
static bool listed(const json_t *volume, const char *list, const char *name, const char *what,
	uint64_t *ret_number)
{
	size_t i;
	const json_t *at;
	json_array_foreach (json_object_get(volume, list), i, at) {
		const char *has = json_string_value(json_object_get(at, "name"));
		if (!has || strcmp(has, name) != 0)
			continue;
		*ret_number = (uint64_t)json_integer_value(json_object_get(at, what));
		return true;
	}
	return false;
}

static int read_identity(struct protect *p, const json_t *volume)
{
	const char *text = json_string_value(json_object_get(volume, "id"));
	return text && strlen(text) == 32 && sscanf(text, "%16" SCNx64, &p->id[0]) == 1 &&
			sscanf(text + 16, "%16" SCNx64, &p->id[1]) == 1
		? EXIT_OK
		: call_fail(EXIT_FAILED, "ebb-vold does not tell the identity of volume %s",
			  p->volume);
}

static int pass(struct protect *p, const char *tag, uint64_t era)
{
	char number[24];
	const char *const words[] = {"passed", p->volume, tag, number};
	snprintf(number, sizeof(number), "%" PRIu64, era);
	return vold_act(&p->vold, words, 4);
}

/* What is listed and begins with our prefix goes by that verb, but for one name. */
static int sweep(struct protect *p, const char *list, const char *verb, const char *keep)
{
	const json_t *volume, *at;
	size_t i;
	int code = ask_volume(p, &volume);
	if (code)
		return code;
	json_t *all = json_incref(json_object_get(volume, list));
	json_array_foreach (all, i, at) {
		const char *name = json_string_value(json_object_get(at, "name"));
		const char *const words[] = {verb, p->volume, name};
		if (!code && name && strncmp(name, p->prefix, strlen(p->prefix)) == 0 &&
			strcmp(name, keep) != 0)
			code = vold_act(&p->vold, words, 3);
	}
	json_decref(all);
	return code;
}

/* ---- since when ---- */

static void set_tag(const struct protect *p, uint64_t bits, char tag[TAG])
{
	snprintf(tag, TAG, "%s%016" PRIx64, p->prefix, bits);
}

/* NULL: it is known what changed since the newest point; else why not, for people. */
static const char *unknown_since(struct protect *p, const struct map_stamp *stamp)
{
	const json_t *volume;
	char tag[TAG];
	uint64_t era;
	if (stamp->device != p->id[0] || stamp->inode != p->id[1])
		return "the newest point is of another volume of this name";
	if (ask_volume(p, &volume))
		return "ebb-vold does not answer";
	set_tag(p, (uint64_t)stamp->ctime_ns, tag);
	bool known = listed(volume, "consumers", tag, "passed", &era) &&
		era == (uint64_t)stamp->mtime_ns;
	/* The run ended between its point and its word to ebb-vold. */
	if (!known && !p->run.dry && listed(volume, "snapshots", tag, "era", &era) &&
		era == (uint64_t)stamp->mtime_ns)
		known = pass(p, tag, era) == EXIT_OK;
	if (!known)
		return "this volume does not know of the newest point";
	p->by_map = true;
	p->since = (uint32_t)era;
	set_tag(p, (uint64_t)stamp->ctime_ns, p->tag); /* for sweep(): this one stays */
	return NULL;
}

static int find_since(struct protect *p)
{
	struct map_root root;
	struct why why;
	p->has_parent = image_newest(p->run.keep.repo, p->resource, &p->parent);
	if (!p->has_parent || args_given(&p->call->args, OPTION_FULL))
		return EXIT_OK;
	int err = map_root_load(p->run.keep.repo, &p->parent.root, &root, &why);
	if (err)
		return keep_fail(&p->run.keep, err, &why);
	const char *unknown = unknown_since(p, &root.stamp);
	if (unknown)
		call_fail(0, "vol/%s: %s, so every block of it is read and compared by its sum",
			p->volume, unknown);
	return EXIT_OK;
}

/* ---- a run ---- */

static int cut(struct protect *p)
{
	const json_t *volume;
	char before[TAG];
	uint64_t era;
	const char *const words[] = {"cut", p->volume, p->tag};
	memcpy(before, p->tag, TAG);
	/* Its point is there, or will never be. */
	int code = sweep(p, "snapshots", "drop", "");
	if (!code)
		code = sweep(p, "consumers", "gone", before);
	if (code)
		return code;
	p->tag_bits = dice_u64(p->run.keep.world->dice) >> 1 | 1;
	set_tag(p, p->tag_bits, p->tag);
	code = vold_act(&p->vold, words, 3);
	if (!code)
		code = ask_volume(p, &volume);
	if (code)
		return code;
	if (!listed(volume, "snapshots", p->tag, "era", &era))
		return call_fail(
			EXIT_FAILED, "the snapshot %s@%s is gone again", p->volume, p->tag);
	p->era = (uint32_t)era;
	return EXIT_OK;
}

static int open_link(struct protect *p)
{
	char address[sizeof(p->vold.state) + sizeof("unix:/nbd.sock")], name[EXPORT];
	struct why why;
	snprintf(address, sizeof(address), "unix:%s/nbd.sock", p->vold.state);
	snprintf(name, sizeof(name), "%s%s%s", p->volume, p->run.dry ? "" : "@",
		p->run.dry ? "" : p->tag);
	if (volume_link_open(p->vold.lw, address, name, &p->link, &why))
		return call_fail(EXIT_FAILED, "volume %s: %s", p->volume, why.text);
	return EXIT_OK;
}

static int ship(struct protect *p, struct why *why)
{
	struct backup_run *run = &p->run;
	const struct args *args = &p->call->args;
	struct image_options how = {
		.file = &p->link.file,
		.size = p->link.size,
		.stamp = {p->id[0], p->id[1], p->era, (int64_t)p->tag_bits},
		.data = &p->link.data,
		.changed = p->by_map ? &p->changes.ranges : NULL,
		.since = p->by_map ? &p->parent.id : NULL,
		.check_changed = p->by_map && args_given(args, OPTION_CHECK_CHANGED),
		.fold = args_given(args, OPTION_FOLD),
		.full = args_given(args, OPTION_FULL),
		.resource = p->resource,
		.host = run->host,
		.path = p->resource,
		.writer = "ebb " EBB_VERSION,
		.estimate = run->dry ? &run->estimate : NULL,
		.pace = run->keep.limit.source,
		.on_trouble = meter_on_trouble,
		.on_progress = meter_on_backup,
		.arg = &run->meter,
	};
	changes_init(&p->changes, &p->vold, p->volume, p->since, p->era);
	return backup_image(
		run->keep.repo, run->keep.world->clock, &how, &run->point, &p->result, why);
}

/* A point that is not what it should be is marked, so that the next run does not build on it. */
static int prove(struct protect *p)
{
	struct keep *keep = &p->run.keep;
	const struct image_proof proof = {
		.parent = p->run.point.kind == POINT_INCREMENTAL ? &p->parent : NULL,
		.point = &p->run.point,
		.file = &p->link.file,
		.pace = keep->limit.source};
	struct why why = {"no memory"};
	uint64_t bytes;
	int err = image_prove(keep->repo, &proof, &bytes, &why);
	if (err != -EBADMSG)
		return err ? keep_fail(keep, err, &why) : EXIT_OK;
	const struct point_change change = {p->run.point.id, POINT_BREAK};
	struct why ignored;
	(void)repo_change_points(keep->repo, &change, 1, &ignored);
	return call_fail(EXIT_DAMAGED,
		"the new point of vol/%s was read back and is wrong: %s. It is marked as broken, "
		"and the next run stores everything anew",
		p->volume, why.text);
}

/* Proved: from now on only what changes after its era is needed. */
static int release(struct protect *p)
{
	int code = pass(p, p->tag, p->era);
	if (!code)
		code = sweep(p, "consumers", "gone", p->tag);
	return code;
}

static int drop(struct protect *p)
{
	const char *const words[] = {"drop", p->volume, p->tag};
	volume_link_close(&p->link);
	return vold_act(&p->vold, words, 3);
}

static int missed(const struct protect *p)
{
	return p->result.missed_blocks
		? call_fail(EXIT_FAILED,
			  "what ebb-vold says has changed misses %" PRIu64
			  " blocks of 4 KiB; this point is right all the same",
			  p->result.missed_blocks)
		: EXIT_OK;
}

static int run(struct protect *p, struct made_point *ret_made)
{
	struct why why = {"no memory"};
	int code = find_since(p);
	if (!code && !p->run.dry)
		code = cut(p);
	if (!code)
		code = open_link(p);
	if (code)
		return code;
	int err = ship(p, &why), proved = EXIT_OK, released = EXIT_OK;
	if (!err && !p->run.dry) {
		meter_clear(&p->run.meter);
		proved = prove(p);
		released = proved ? proved : release(p);
	}
	code = p->run.dry ? EXIT_OK : missed(p);
	int dropped = p->run.dry ? EXIT_OK : drop(p);
	int done = backup_done(&p->run, err, &why, ret_made);
	return done ? done : proved ? proved : code ? code : released ? released : dropped;
}

int call_protect(const struct call *call)
{
	OWN(protect_done) struct protect p = {.call = call};
	struct made_point made;
	const json_t *volume;
	char hex[33];
	const char *word = call->args.operands[0];
	if (args_given(&call->args, OPTION_TO))
		return protect_to(call);
	if (strncmp(word, "vol/", 4) != 0)
		return protect_named(call);
	if (!word[4] || strlen(word) > 100)
		return call_fail(EXIT_USAGE, "'%.80s' is not vol/NAME", word);
	p.volume = word + 4;
	snprintf(p.resource, sizeof(p.resource), "%s", word);
	int code = vold_find(call, &p.vold);
	if (!code)
		code = ask_volume(&p, &volume);
	if (!code)
		code = read_identity(&p, volume);
	if (!code)
		code = backup_begin(call, p.resource, &p.run);
	if (code)
		return code;
	object_show_id(repo_id(p.run.keep.repo), hex);
	snprintf(p.prefix, sizeof(p.prefix), "ebb-%.*s-", TAG_DIGITS, hex);
	return run(&p, &made);
}
