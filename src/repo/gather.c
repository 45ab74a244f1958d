/* SPDX-License-Identifier: Apache-2.0 */
/* Batches in memory, then parts on disk, then one run. */
#include "repo/gather.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "os/dice.h"
#include "os/disk.h"
#include "repo/merge.h"

void gather_done(struct gather *gather)
{
	run_tables_done(&gather->tables);
	vec_done(&gather->batch);
	vec_each (part, &gather->parts)
		run_free(*part);
	vec_each (map, &gather->maps)
		free(*map);
	vec_done(&gather->parts);
	vec_done(&gather->maps);
	vec_done(&gather->others);
}

static void writer_own(struct run_writer **writer)
{
	run_writer_free(*writer);
}

static int write_all(struct merge *merge, struct run_writer *writer, bool by_position)
{
	struct run_entry entry;
	uint32_t position = 0;
	int got = 0;
	int err = merge_begin(merge);
	while (!err && (got = merge_next(merge, &entry)) == 1) {
		if (by_position)
			entry.number = position++;
		err = run_writer_add(writer, &entry);
	}
	return err ? err : got;
}

static int begin_writer(const struct gather *gather, struct file *file, uint64_t most,
	struct run_writer **ret_writer)
{
	struct object_id id;
	dice_fill(gather->disk->dice, id.b, sizeof(id.b));
	return run_writer_new(file, &gather->disk->key, &id, most, ret_writer);
}

static void sort_batch(struct gather *gather)
{
	if (gather->batch.len)
		qsort(gather->batch.at, gather->batch.len, sizeof(*gather->batch.at), merge_order);
}

/* The batch becomes a part. */
static int put_part(struct gather *gather)
{
	OWN(merge_done) struct merge merge = {0};
	OWN(writer_own) struct run_writer *writer = NULL;
	struct run_tables none = {0};
	struct run *part;
	struct file *file;
	sort_batch(gather);
	int err = vec_reserve(&gather->parts, gather->parts.len + 1);
	if (!err)
		err = merge_add_array(&merge, gather->batch.at, gather->batch.len);
	if (!err)
		err = index_open_scratch(gather->disk, &file);
	if (!err)
		err = begin_writer(gather, file, gather->batch.len, &writer);
	if (!err)
		err = write_all(&merge, writer, false);
	if (!err)
		err = run_writer_finish(writer, &none, &part);
	if (err)
		return err;
	gather->parts.at[gather->parts.len++] = part;
	gather->batch.len = 0;
	return 0;
}

int gather_body(struct gather *gather, const struct head_index *source, const uint8_t *body,
	size_t len, struct why *why)
{
	OWN(index_done) struct index index = {0};
	struct run_tables *tables = &gather->tables;
	uint32_t first = (uint32_t)tables->packs.len, number = (uint32_t)tables->sources.len;
	int err = index_get(&index, body, len, why);
	if (!err && gather->batch.len + index.entries.len > gather->disk->table &&
		gather->batch.len)
		err = put_part(gather);
	if (!err)
		err = vec_reserve(&gather->batch, gather->batch.len + index.entries.len);
	if (!err)
		err = vec_reserve(&tables->packs, tables->packs.len + index.packs.len);
	if (!err)
		err = vec_push(&tables->sources, *source);
	if (err)
		return err;
	vec_each (pack, &index.packs)
		tables->packs.at[tables->packs.len++] = (struct run_pack){
			pack->id, pack->kind, number};
	vec_each (entry, &index.entries)
		gather->batch.at[gather->batch.len++] = (struct run_entry){
			.at = entry->at, .pack = first + entry->pack};
	gather->count += index.entries.len;
	return 0;
}

/* Sources that stay, and their packs under new numbers. */
static int take_tables(struct gather *gather, const struct run_tables *from, gather_keeps_fn *keeps,
	void *arg, uint32_t *map)
{
	struct run_tables *tables = &gather->tables;
	size_t next = 0;
	int err = 0;
	for (uint32_t i = 0; !err && i < from->sources.len; i++) {
		bool kept = keeps(arg, &from->sources.at[i]);
		if (kept)
			err = vec_push(&tables->sources, from->sources.at[i]);
		for (; !err && next < from->packs.len && from->packs.at[next].source == i; next++) {
			struct run_pack pack = from->packs.at[next];
			map[next] = kept ? (uint32_t)tables->packs.len : RUN_GONE;
			pack.source = (uint32_t)tables->sources.len - 1;
			if (kept)
				err = vec_push(&tables->packs, pack);
		}
	}
	return err;
}

int gather_run(struct gather *gather, struct run *run, gather_keeps_fn *keeps, void *arg)
{
	OWN(own_free) uint32_t *map = calloc(run->tables.packs.len + 1, sizeof(*map));
	int err = map ? vec_reserve(&gather->maps, gather->maps.len + 1) : -ENOMEM;
	if (!err)
		err = vec_push(&gather->others, run);
	if (err)
		return err;
	gather->maps.at[gather->maps.len++] = map;
	gather->count += run->count;
	return take_tables(gather, &run->tables, keeps, arg, TAKE(map));
}

int gather_write(struct gather *gather, struct file *file, struct run **ret_run)
{
	OWN(merge_done) struct merge merge = {.heal = gather->disk->heal, .arg = gather->disk->arg};
	OWN(writer_own) struct run_writer *writer = NULL;
	sort_batch(gather);
	int err = begin_writer(gather, file, gather->count, &writer);
	for (size_t i = 0; !err && i < gather->others.len; i++)
		err = merge_add_run(&merge, gather->others.at[i], gather->maps.at[i]);
	for (size_t i = 0; !err && i < gather->parts.len; i++)
		err = merge_add_run(&merge, gather->parts.at[i], NULL);
	if (!err)
		err = merge_add_array(&merge, gather->batch.at, gather->batch.len);
	if (!err)
		err = write_all(&merge, writer, true);
	return err ? err : run_writer_finish(writer, &gather->tables, ret_run);
}
