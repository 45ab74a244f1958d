/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a repository for one call. */
#include "ebb/keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/folders.h"
#include "ebb/key_in.h"
#include "ebb/ledger.h"
#include "ebb/memory.h"
#include "ebb/shown.h"
#include "os/linux/crew.h"
#include "os/linux/files.h"
#include "os/linux/world.h"
#include "os/world.h"

enum { KEY_FILE_MAX = 4096 };

void keep_done(struct keep *keep)
{
	twins_close(keep);
	repo_close(keep->repo);
	memory_close(keep->memory);
	open_place_done(&keep->place);
	linux_crew_close(keep->carriers);
	linux_crew_close(keep->crew);
	limit_done(&keep->limit);
	if (keep->cache_open)
		linux_disk_done(&keep->cache);
	linux_world_close(keep->lw);
}

bool keep_absolute(const struct call *call, const char *path, char absolute[KEEP_PATH])
{
	bool whole = path[0] == '/';
	int len = snprintf(absolute, KEEP_PATH, "%s%s%s", whole ? "" : call->work_folder,
		whole ? "" : "/", path);
	if (len >= KEEP_PATH)
		return false;
	while (len > 1 && absolute[len - 1] == '/')
		absolute[--len] = '\0';
	return true;
}

int keep_fail(const struct keep *keep, int err, const struct why *why)
{
	int code = EXIT_FAILED;
	if (err == -ENOENT)
		code = EXIT_NO_REPOSITORY;
	else if (err == -EACCES)
		code = EXIT_WRONG_KEY;
	else if (err == -EBADMSG || err == -ESTALE)
		code = EXIT_DAMAGED;
	else if (err == -EWOULDBLOCK)
		code = EXIT_LOCKED;
	else if (err == -EEXIST || err == -EPERM || err == -ENOTSUP)
		code = EXIT_GUARDED;
	return call_fail(code, "%s: %s", keep->where, why->text);
}

/* The place at keep->where. Only `make` may bring it into being. */
static int open_where(struct keep *keep, bool make)
{
	const struct open_place_how how = {keep->call, keep->world, make, keep->limit.place};
	struct why why;
	int err = open_place(&how, keep->where, &keep->place, &why);
	keep->repo_world.place = keep->place.place;
	if (err == -EINVAL)
		return call_fail(EXIT_USAGE, "--repo: %s", why.text);
	return err ? keep_fail(keep, err, &why) : EXIT_OK;
}

/*
 * Where large indexes lie instead of in memory. Without a folder that can be written they lie in
 * files without names; without even that, in memory: no call fails for it.
 */
static void open_cache(struct keep *keep)
{
	const char *folder = keep->call->cache_folder;
	struct repo_world *world = &keep->repo_world;
	keep->cache_open = *folder && !folders_make(folder) && !access(folder, W_OK) &&
		!linux_disk_init(&keep->cache, folder, NULL);
	world->cache_fleeting = !keep->cache_open;
	if (!keep->cache_open)
		keep->cache_open = !linux_disk_init(&keep->cache, keep->call->spare_folder, NULL);
	world->cache = keep->cache_open ? &keep->cache.base : NULL;
}

/* All that is no repository's. */
static int begin_world(const struct call *call, struct keep *keep)
{
	struct why why;
	*keep = (struct keep){
		.files = linux_files(), .call = call, .without_index = keep->without_index};
	keep->repo_world.without_index = keep->without_index;
	keep->where = call->args.values[OPTION_REPO];
	if (!keep->where)
		keep->where = call->repo_env;
	if (!keep->where || !*keep->where)
		return call_fail(EXIT_USAGE, "which repository? give --repo URL or set EBB_REPO");
	/* Rooted where nothing is made: of this world only clock and dice are used. */
	if (linux_world_open("/", &(struct linux_options){.workers = 1}, &keep->lw, &why) ||
		linux_crew_open(0, &keep->crew, &why) ||
		linux_crew_open(KEEP_CARRIERS, &keep->carriers, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	keep->world = linux_world(keep->lw);
	keep->repo_world.clock = keep->world->clock;
	keep->repo_world.dice = keep->world->dice;
	keep->repo_world.crew = linux_crew(keep->crew);
	keep->repo_world.carriers = linux_crew(keep->carriers);
	open_cache(keep);
	return limit_open(call, &keep->limit);
}

int keep_begin(const struct call *call, bool make, struct keep *ret_keep)
{
	int code = begin_world(call, ret_keep);
	return code ? code : open_where(ret_keep, make);
}

/* The least generation that the call accepts: what a recovery sheet or an earlier run told. */
static int least_generation(const struct call *call, uint64_t *ret_generation)
{
	const char *text = call->args.values[OPTION_GENERATION];
	char *end;
	*ret_generation = 0;
	if (!text)
		return EXIT_OK;
	errno = 0;
	*ret_generation = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-')
		return call_fail(EXIT_USAGE, "--generation: '%.40s' is not a number", text);
	return EXIT_OK;
}

static bool only_adds(const struct call *call)
{
	char name[COMMAND_NAME];
	command_name(call->args.command, name);
	return strcmp(name, "backup") == 0 || strcmp(name, "wal push") == 0;
}

/*
 * Opens it, and once more when this machine has seen a higher generation: another process may have
 * written meanwhile.
 */
static int open_noted(struct keep *keep, const struct unlock *unlock, uint64_t least)
{
	bool given = args_given(&keep->call->args, OPTION_GENERATION);
	struct why why;
	int err = repo_open_with(&keep->repo_world, unlock, least, &keep->repo, &why);
	/* Who may only write does not know the generation. */
	bool blind = err || repo_ring(keep->repo)->write_only;
	uint64_t seen = blind ? 0 : ledger_check(keep, given);
	if (seen) {
		repo_close(TAKE(keep->repo));
		err = repo_open_with(&keep->repo_world, unlock, seen, &keep->repo, &why);
	}
	if (seen && err == -ESTALE)
		return call_fail(EXIT_DAMAGED,
			"%s: %s; --generation with that of today takes it as it is", keep->where,
			why.text);
	if (err)
		return keep_fail(keep, err, &why);
	if (repo_ring(keep->repo)->write_only && !only_adds(keep->call))
		return call_fail(EXIT_WRONG_KEY,
			"%s: this key may only write: it adds backups and WAL, and reads nothing",
			keep->where);
	memory_load(keep);
	return EXIT_OK;
}

/* The repository of --repo; when it cannot be had, the first of --also that can. */
static int open_first(struct keep *keep, const struct unlock *unlock, uint64_t generation)
{
	const char *next;
	int code = open_where(keep, false);
	if (!code)
		code = open_noted(keep, unlock, generation);
	while (code && (next = args_next(&keep->call->args, OPTION_ALSO, &keep->twins.next))) {
		repo_close(TAKE(keep->repo));
		open_place_done(&keep->place);
		keep->twins.missed++;
		keep->where = next;
		code = open_where(keep, false);
		if (!code)
			code = open_noted(keep, unlock, 0);
	}
	return code;
}

int keep_open(const struct call *call, struct keep *ret_keep)
{
	OWN(key_in_done) struct key_in key = {0};
	uint64_t generation;
	int code = begin_world(call, ret_keep);
	if (!code)
		code = least_generation(call, &generation);
	if (!code)
		code = key_in_read(call, &key);
	if (!code)
		code = open_first(ret_keep, &key.unlock, generation);
	if (!code)
		code = twins_open(ret_keep, &key.unlock);
	return code ? code : twins_lock(ret_keep);
}

void keep_other_done(struct keep_other *other)
{
	repo_close(other->repo);
	open_place_done(&other->place);
}

int keep_open_other(struct keep *keep, const char *url, struct keep_other *ret_other)
{
	const struct open_place_how how = {keep->call, keep->world, false, keep->limit.place};
	/* The crews belong to the first: one repository at a time gives them work. */
	struct repo_world world = {.clock = keep->world->clock,
		.dice = keep->world->dice,
		.cache = keep->repo_world.cache,
		.cache_fleeting = keep->repo_world.cache_fleeting};
	OWN(key_in_done) struct key_in key = {0};
	struct why why = {""};
	*ret_other = (struct keep_other){0};
	int code = key_in_read(keep->call, &key);
	if (code)
		return code;
	int err = open_place(&how, url, &ret_other->place, &why);
	world.place = ret_other->place.place;
	if (!err)
		err = repo_open_with(&world, &key.unlock, 0, &ret_other->repo, &why);
	if (!err)
		return EXIT_OK;
	struct keep other = {.where = url};
	return keep_fail(&other, err, &why);
}

void keep_say_trouble(const char *path, const char *what)
{
	enum { SHOWN = 1200 };
	size_t len = strlen(path);
	bool cut = len > SHOWN;
	call_fail(
		EXIT_PARTIAL, "%s%s: %s", cut ? "..." : "", cut ? path + len - SHOWN : path, what);
}

static const char *const kinds[] = {"", "full", "incremental", "differential"};

json_t *keep_point_json(const struct point *point)
{
	char hex[33], start[UNITS_TEXT], end[UNITS_TEXT];
	json_t *document = json_pack("{s:s,s:s,s:s,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "id",
		object_show_id(&point->id, hex), "start", units_show_time(point->start_ns, start),
		"end", units_show_time(point->end_ns, end), "kind", kinds[point->kind], "partial",
		point->partial, "entries", (json_int_t)point->entries, "source_bytes",
		(json_int_t)point->source_bytes, "read_bytes", (json_int_t)point->read_bytes,
		"new_bytes", (json_int_t)point->new_bytes, "written_bytes",
		(json_int_t)point->written_bytes, "unreadable", (json_int_t)point->unreadable,
		"changed", (json_int_t)point->changed);
	if (!document)
		return NULL;
	shown_set(document, "resource", point->resource, strlen(point->resource));
	shown_set(document, "host", point->host, strlen(point->host));
	shown_set(document, "path", point->path, strlen(point->path));
	return document;
}
