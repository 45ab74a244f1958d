/* SPDX-License-Identifier: Apache-2.0 */
/* Which runs there are, which of them are used, and what they lack. */
#include "repo/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/dice.h"
#include "os/disk.h"
#include "repo/gather.h"

/* A quarter of a table, or more objects, go into a run: fewer are read from the place each time. */
enum { TABLES_TO_KEEP = 4, OBJECTS_TO_KEEP = 16 };

/* A folder with more files than this of one repository is no cache of ours. */
enum { RUNS_MAX = 64, NAME_START = 17 };

/* An index object that the head names, and where its entries are. */
struct claim {
	struct run *run; /* NULL: in none */
	uint32_t source;
};

typedef VEC(struct run *) runs_t;

struct reading_in {
	struct repo *repo;
	struct why *why;
	runs_t found; /* open; large ones first */
	struct claim *claims;
	struct gather rest; /* what no run holds */
};

static void reading_in_done(struct reading_in *r)
{
	vec_each (run, &r->found)
		run_free(*run);
	vec_done(&r->found);
	free(r->claims);
	gather_done(&r->rest);
}

/* ---- files ---- */

static void name_start(const struct repo *repo, char start[NAME_START])
{
	for (int i = 0; i < 7; i++)
		snprintf(start + 2 * i, 3, "%02x", repo->id.b[i]);
	start[14] = '-';
	start[15] = '\0';
}

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);
	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

struct listed {
	char start[NAME_START];
	VEC(char *) names;
	bool failed;
};

static void listed_done(struct listed *listed)
{
	vec_each (name, &listed->names)
		free(*name);
	vec_done(&listed->names);
}

static bool note_file(void *arg, const char *name, bool is_dir)
{
	struct listed *listed = arg;
	if (is_dir || strncmp(name, listed->start, strlen(listed->start)) != 0 ||
		(!ends_with(name, ".run") && !ends_with(name, ".new")))
		return true;
	char *copy = strdup(name);
	listed->failed = !copy || vec_push(&listed->names, copy);
	return !listed->failed && listed->names.len < RUNS_MAX;
}

/* What a run that was ended has left; one that is being written is locked. */
static void remove_left(struct disk *disk, const char *name)
{
	struct file *file;
	if (disk_open(disk, name, FILE_READ | FILE_WRITE, &file))
		return;
	if (!file_lock(file))
		disk_unlink(disk, name);
	file_close(file);
}

static int open_run(struct reading_in *r, const char *name)
{
	const struct index_disk *disk = &r->repo->disk;
	struct file *file;
	struct run *run;
	if (disk_open(disk->disk, name, FILE_READ, &file))
		return 0;
	int err = run_open(file, &disk->key, &run);
	if (err == -EBADMSG)
		disk_unlink(disk->disk, name);
	if (err)
		return err == -ENOMEM ? err : 0;
	snprintf(run->name, sizeof(run->name), "%s", name);
	err = vec_push(&r->found, run);
	if (err)
		run_free(run);
	return err;
}

static int by_count(const void *a, const void *b)
{
	const struct run *one = *(struct run *const *)a, *other = *(struct run *const *)b;
	return (one->count < other->count) - (one->count > other->count);
}

static int find_runs(struct reading_in *r)
{
	OWN(listed_done) struct listed listed = {.failed = false};
	struct disk *disk = r->repo->disk.disk;
	int err = 0;
	name_start(r->repo, listed.start);
	if (disk_list(disk, ".", note_file, &listed) || listed.failed)
		return listed.failed ? -ENOMEM : 0;
	vec_each (name, &listed.names) {
		if (ends_with(*name, ".new"))
			remove_left(disk, *name);
		else
			err = err ? err : open_run(r, *name);
	}
	if (r->found.len)
		qsort(r->found.at, r->found.len, sizeof(*r->found.at), by_count);
	return err;
}

/* ---- which are used ---- */

/* Its number in the head, or -1. An object with another sum is another object. */
static ptrdiff_t find_named(const struct repo *repo, const struct head_index *source)
{
	const struct head_index *named = head_find_index(&repo->head, &source->id);
	if (!named && repo->head.indexes.len && planted(CACHE_OLD_RUN_USED))
		return 0;
	if (!named || memcmp(named->sum, source->sum, sizeof(named->sum)) != 0)
		return -1;
	return named - repo->head.indexes.at;
}

/* False: nothing in it is wanted, or another run has some of it already. */
static bool claim(struct reading_in *r, struct run *run)
{
	const struct run_tables *tables = &run->tables;
	size_t wanted = 0;
	for (size_t i = 0; i < tables->sources.len; i++) {
		ptrdiff_t at = find_named(r->repo, &tables->sources.at[i]);
		if (at >= 0 && r->claims[at].run)
			return false;
		wanted += at >= 0;
	}
	for (uint32_t i = 0; wanted && i < tables->sources.len; i++) {
		ptrdiff_t at = find_named(r->repo, &tables->sources.at[i]);
		if (at >= 0)
			r->claims[at] = (struct claim){run, i};
	}
	return wanted != 0;
}

static void drop_run(struct reading_in *r, size_t which)
{
	struct run *run = r->found.at[which];
	if (*run->name)
		disk_unlink(r->repo->disk.disk, run->name);
	run_free(run);
	memmove(&r->found.at[which], &r->found.at[which + 1],
		(r->found.len - which - 1) * sizeof(run));
	r->found.len--;
}

static void claim_all(struct reading_in *r)
{
	memset(r->claims, 0, r->repo->head.indexes.len * sizeof(*r->claims));
	for (size_t i = 0; i < r->found.len;)
		if (claim(r, r->found.at[i]))
			i++;
		else
			drop_run(r, i);
}

/* ---- what they lack ---- */

static int gather_one(struct reading_in *r, const struct head_index *named)
{
	OWN(own_free) uint8_t *plain = NULL;
	struct repo *repo = r->repo;
	size_t len;
	int err = repo_fetch_index(repo, named, &plain, &len, r->why);
	if (!err)
		err = gather_body(&r->rest, named, plain, len, r->why);
	if ((err == -EBADMSG || err == -ENOENT) && repo->world.without_index)
		err = vec_push(&repo->unread, named->id);
	return err;
}

static int gather_rest(struct reading_in *r)
{
	int err = 0;
	for (size_t i = 0; !err && i < r->repo->head.indexes.len; i++)
		if (!r->claims[i].run)
			err = gather_one(r, &r->repo->head.indexes.at[i]);
	return err;
}

static bool is_named(void *arg, const struct head_index *source)
{
	return find_named(arg, source) >= 0;
}

/* A name for a file, and the same while it is written. */
static void new_names(const struct repo *repo, char name[40], char unfinished[40])
{
	char start[NAME_START];
	unsigned long long drawn = dice_u64(repo->world.dice);
	name_start(repo, start);
	snprintf(name, 40, "%s%016llx.run", start, drawn);
	snprintf(unfinished, 40, "%s%016llx.new", start, drawn);
}

static int write_named(struct repo *repo, struct gather *gather, struct run **ret_run)
{
	struct disk *disk = repo->disk.disk;
	char name[40], unfinished[40];
	struct file *file;
	struct run *run;
	new_names(repo, name, unfinished);
	int err = disk_open(
		disk, unfinished, FILE_READ | FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE, &file);
	if (err)
		return err;
	err = file_lock(file);
	if (err)
		file_close(file);
	if (!err)
		err = gather_write(gather, file, &run);
	if (!err && (err = disk_rename(disk, unfinished, name)))
		run_free(run);
	if (err) {
		disk_unlink(disk, unfinished);
		return err;
	}
	snprintf(run->name, sizeof(run->name), "%s", name);
	*ret_run = run;
	return 0;
}

static int write_scratch(struct repo *repo, struct gather *gather, struct run **ret_run)
{
	struct file *file;
	int err = index_open_scratch(&repo->disk, &file);
	return err ? err : gather_write(gather, file, ret_run);
}

/* Of what the head does not name any more the objects may go: such a run could not be mended. */
static bool is_stale(const struct repo *repo, const struct run *run)
{
	vec_each (source, &run->tables.sources)
		if (find_named(repo, source) < 0)
			return true;
	return false;
}

/* Moves to the end those runs that the new one takes in; the number of the first. */
static size_t choose(struct reading_in *r)
{
	uint64_t total = r->rest.count;
	size_t first = r->found.len;
	for (size_t i = r->found.len; i-- > 0;) {
		struct run *run = r->found.at[i];
		bool next = i == first - 1 && run->count <= 2 * total;
		if (!next && !is_stale(r->repo, run))
			continue;
		total += run->count;
		memmove(&r->found.at[i], &r->found.at[i + 1], (r->found.len - i - 1) * sizeof(run));
		r->found.at[r->found.len - 1] = run;
		first--;
	}
	return first;
}

/*
 * One run of the rest and of those runs that are not much larger than what comes before them, so
 * that there are few, and each entry is written few times.
 */
static int keep_rest(struct reading_in *r)
{
	size_t first = choose(r);
	struct run *run;
	int err = 0;
	for (size_t i = first; !err && i < r->found.len; i++)
		err = gather_run(&r->rest, r->found.at[i], is_named, r->repo);
	if (!err)
		err = r->repo->world.cache_fleeting ? write_scratch(r->repo, &r->rest, &run)
						    : write_named(r->repo, &r->rest, &run);
	if (err)
		return err;
	while (r->found.len > first)
		drop_run(r, r->found.len - 1);
	gather_done(&r->rest);
	r->rest = (struct gather){.disk = &r->repo->disk};
	err = vec_push(&r->found, run);
	if (err)
		run_free(run);
	claim_all(r);
	return err;
}

/* ---- into the index ---- */

static int map_packs(struct index *index, const struct claim *claim)
{
	struct run *run = claim->run;
	int err = 0;
	for (size_t i = 0; !err && i < run->tables.packs.len; i++) {
		const struct run_pack *pack = &run->tables.packs.at[i];
		struct index_pack known = {.id = pack->id, .kind = pack->kind};
		if (pack->source == claim->source)
			err = index_add_pack(index, &known, &run->map[i]);
	}
	return err;
}

/* All packs in the order of the head, whether a run holds them or not: the later one counts. */
static int add_packs(struct reading_in *r, uint32_t *numbers)
{
	struct repo *repo = r->repo;
	size_t at = 0;
	uint32_t source = 0;
	int err = 0;
	for (size_t i = 0; !err && i < repo->head.indexes.len; i++) {
		if (r->claims[i].run) {
			err = map_packs(&repo->index, &r->claims[i]);
			continue;
		}
		const struct run_tables *rest = &r->rest.tables;
		if (source == rest->sources.len ||
			!object_id_equal(
				&rest->sources.at[source].id, &repo->head.indexes.at[i].id))
			continue; /* it could not be read */
		for (; !err && at < rest->packs.len && rest->packs.at[at].source == source; at++) {
			const struct run_pack *pack = &rest->packs.at[at];
			struct index_pack known = {.id = pack->id, .kind = pack->kind};
			err = index_add_pack(&repo->index, &known, &numbers[at]);
		}
		source++;
	}
	return err;
}

static int hand_over(struct reading_in *r)
{
	struct repo *repo = r->repo;
	struct index_disk *disk = &repo->disk;
	OWN(own_free) uint32_t *numbers = calloc(r->rest.tables.packs.len + 1, sizeof(*numbers));
	int err = numbers ? 0 : -ENOMEM;
	vec_each (run, &r->found) {
		size_t packs = (*run)->tables.packs.len;
		free((*run)->map);
		(*run)->map = malloc((packs + 1) * sizeof(uint32_t));
		if (!(*run)->map)
			return -ENOMEM;
		memset((*run)->map, 0xff, packs * sizeof(uint32_t));
		(*run)->first = disk->numbered;
		if (disk->numbered + (uint64_t)(*run)->count > UINT32_MAX / 2)
			return -ENOMEM;
		disk->numbered += (*run)->count;
	}
	if (!err)
		err = add_packs(r, numbers);
	if (!err)
		err = index_reserve(&repo->index, 0, r->rest.batch.len);
	vec_each (entry, &r->rest.batch)
		err = err ? err : index_add(&repo->index, numbers[entry->pack], &entry->at);
	if (!err)
		err = vec_reserve(&disk->runs, r->found.len);
	if (err)
		return err;
	vec_each (run, &r->found)
		disk->runs.at[disk->runs.len++] = *run;
	r->found.len = 0;
	disk->kept = disk->runs.len;
	return 0;
}

static int read_with_runs(struct repo *repo, struct why *why)
{
	OWN(reading_in_done) struct reading_in r = {.repo = repo, .why = why};
	repo->index.disk = &repo->disk;
	r.claims = calloc(repo->head.indexes.len + 1, sizeof(*r.claims));
	if (!r.claims)
		return -ENOMEM;
	r.rest.disk = &repo->disk;
	int err = repo->world.cache_fleeting ? 0 : find_runs(&r);
	if (!err)
		claim_all(&r);
	if (!err)
		err = gather_rest(&r);
	bool keep = r.rest.count >= repo->disk.table / TABLES_TO_KEEP ||
		r.rest.tables.sources.len > OBJECTS_TO_KEEP;
	vec_each (run, &r.found)
		keep = keep || is_stale(repo, *run);
	if (!err && keep)
		err = keep_rest(&r);
	return err ? err : hand_over(&r);
}

static int read_plainly(struct repo *repo, struct why *why)
{
	int err = 0;
	vec_each (named, &repo->head.indexes) {
		OWN(own_free) uint8_t *plain = NULL;
		size_t len;
		if (!err)
			err = repo_fetch_index(repo, named, &plain, &len, why);
		if (!err)
			err = index_get(&repo->index, plain, len, why);
		if ((err == -EBADMSG || err == -ENOENT) && repo->world.without_index)
			err = vec_push(&repo->unread, named->id);
		if (err)
			return err;
	}
	return 0;
}

int cache_read_indexes(struct repo *repo, struct why *why)
{
	OWN(ids_done) ids_t retired = {0};
	int err = repo->disk.disk ? read_with_runs(repo, why) : read_plainly(repo, why);
	if (!err || err == -ENOMEM || !repo->disk.disk)
		return err;
	/* A folder that takes no files must not keep anybody from his data. */
	vec_each (id, &repo->index.retired)
		if (vec_push(&retired, *id))
			return -ENOMEM;
	index_done(&repo->index);
	repo->unread.len = 0;
	err = index_set_retired(&repo->index, retired.at, retired.len);
	return err ? err : read_plainly(repo, why);
}

/* ---- runs that are damaged ---- */

static int gather_sources(struct repo *repo, const struct run *run, struct gather *gather)
{
	int err = 0;
	for (size_t i = 0; !err && i < run->tables.sources.len; i++) {
		OWN(own_free) uint8_t *plain = NULL;
		const struct head_index *source = &run->tables.sources.at[i];
		size_t len;
		err = repo_fetch_index(repo, source, &plain, &len, NULL);
		if (!err)
			err = gather_body(gather, source, plain, len, NULL);
	}
	return err;
}

static void exchange(struct run *run, struct run *fresh)
{
	struct run old = *run;
	run->file = fresh->file;
	run->seed = fresh->seed;
	run->fences = fresh->fences;
	run->filter = fresh->filter;
	run->lines = fresh->lines;
	fresh->file = old.file;
	fresh->fences = old.fences;
	fresh->filter = old.filter;
	run->name[0] = '\0';
}

/* The same entries from the same objects: numbers that somebody remembers stay true. */
static int heal(void *arg, struct run *run)
{
	struct repo *repo = arg;
	OWN(gather_done) struct gather gather = {.disk = &repo->disk};
	struct run *fresh = NULL;
	if (*run->name)
		disk_unlink(repo->disk.disk, run->name);
	if (!run->tables.sources.len)
		return -EIO;
	int err = gather_sources(repo, run, &gather);
	if (!err)
		err = write_scratch(repo, &gather, &fresh);
	if (!err && fresh->count == run->count)
		exchange(run, fresh);
	else
		err = err == -ENOMEM ? err : -EIO;
	run_free(fresh);
	return err;
}

void cache_begin(struct repo *repo)
{
	/* Who may not read knows only what he remembers, and saves that by himself. */
	if (!repo->world.cache || repo->client)
		return;
	repo->disk = (struct index_disk){
		.disk = repo->world.cache,
		.dice = repo->world.dice,
		.table = INDEX_TABLE,
		.key.repo = repo->id,
		.heal = heal,
		.arg = repo,
	};
	memcpy(repo->disk.key.secret, repo->ring->id_key, sizeof(repo->disk.key.secret));
}

/* ---- packs of this run ---- */

/* So index_put() never needs what was spilled. */
static int make_light(struct repo *repo, struct why *why)
{
	int err = repo_put_index(repo, &repo->index, repo->told, &repo->early, why);
	if (err)
		return err;
	repo->told = (uint32_t)repo->index.packs.len;
	return index_spill(&repo->index);
}

int cache_add_pack(struct repo *repo, const struct index_pack *pack,
	const struct pack_entry *entries, size_t count, struct why *why)
{
	uint32_t number;
	int err = index_add_pack(&repo->index, pack, &number);
	for (size_t i = 0; !err && i < count; i++)
		err = index_add(&repo->index, number, &entries[i]);
	if (err)
		return why_errno(why, err, "noting a pack");
	return index_is_heavy(&repo->index) ? make_light(repo, why) : 0;
}

int cache_tell_packs(struct repo *repo, head_indexes_t *ret_indexes, struct why *why)
{
	vec_each (index, &repo->early)
		if (vec_push(ret_indexes, *index))
			return -ENOMEM;
	return repo_put_index(repo, &repo->index, repo->told, ret_indexes, why);
}

void cache_all_told(struct repo *repo)
{
	repo->indexed = repo->told = (uint32_t)repo->index.packs.len;
	repo->early.len = 0;
}
