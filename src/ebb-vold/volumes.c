/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes are folders; a folder without a whole identity was never made, and is made anew. */
#include "ebb-vold/volumes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/units.h"
#include "ebb-vold/fill.h"
#include "os/dice.h"
#include "os/disk.h"
#include "os/world.h"
#include "vol/engine.h"
#include "vol/engine_group.h"
#include "vol/volume.h"

/* Reading back takes below a hundredth of a processor, and a day and a half for 1 TiB. */
#define SCRUB_BYTES_PER_S ((uint64_t)8 << 20)

enum { PATH_LEN = 4096, ID_TEXT = 32 };

struct volumes {
	struct world *world;
	const char *state;
	uint8_t boot[16];
	bool boot_known;
	struct trace_writer *trace;
	struct engine_pool *pool;
	struct served *first;
};

struct served *volumes_first(struct volumes *volumes)
{
	return volumes->first;
}

struct served *volumes_find(struct volumes *volumes, const char *name)
{
	for (struct served *at = volumes->first; at; at = at->next)
		if (strcmp(at->name, name) == 0)
			return at;
	return NULL;
}

static int name_ok(const char *name, struct why *why)
{
	size_t len = strspn(
		name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
	if (len && !name[len] && len < VOLUME_NAME_MAX && name[0] != '.' && name[0] != '-')
		return 0;
	return why_set(why, -EINVAL,
		"'%.80s' is no name of a volume: letters, digits, '.', '_' and '-', at most %d, "
		"and not '.' or '-' first",
		name, VOLUME_NAME_MAX - 1);
}

/* ---- the identity ---- */

static int read_id(struct disk *disk, uint8_t ret_id[16])
{
	char text[ID_TEXT + 1] = "";
	OWN(file_close_own) struct file *file = NULL;
	int err = disk_open(disk, "id", FILE_READ, &file);
	if (!err)
		err = file_read_full(file, text, ID_TEXT, 0);
	for (size_t i = 0; !err && i < 16; i++) {
		unsigned byte;
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return -EBADMSG;
		ret_id[i] = (uint8_t)byte;
	}
	return err;
}

static int write_id(struct disk *disk, const uint8_t id[16])
{
	char text[ID_TEXT + 2];
	OWN(file_close_own) struct file *file = NULL;
	for (size_t i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
	text[ID_TEXT] = '\n';
	int err = disk_open(disk, "id", FILE_READ | FILE_WRITE | FILE_CREATE, &file);
	if (!err)
		err = file_write_full(file, text, ID_TEXT + 1, 0);
	if (!err)
		err = file_sync(file);
	return err ? err : disk_sync_dir(disk, ".");
}

/* ---- one volume ---- */

static int path_of(const struct served *served, char ret_path[PATH_LEN], struct why *why)
{
	int len = snprintf(
		ret_path, PATH_LEN, "%s/volumes/%s", served->volumes->state, served->name);
	return len > 0 && len < PATH_LEN
		? 0
		: why_set(why, -ENAMETOOLONG, "the path of volume %s is too long", served->name);
}

static int open_disk(struct served *served, struct why *why)
{
	char path[PATH_LEN];
	if (served->has_disk)
		return 0;
	int err = path_of(served, path, why);
	if (!err)
		err = linux_disk_init(&served->disk, path, why);
	served->has_disk = !err;
	return err;
}

/* ---- what is left when the process is killed ---- */

static size_t grow(void *arg, size_t bytes)
{
	return share_ready(arg, bytes);
}

/* Where it cannot be had, what is not flushed may be lost by a kill; `show` tells. */
static void keep(struct served *served)
{
	char path[PATH_LEN];
	struct why why;
	if (!served->volumes->boot_known || path_of(served, path, &why) ||
		share_keep(path, RECENT_BYTES, &served->share, &why))
		return;
	served->recent = (struct recent_memory){.bytes = served->share.bytes,
		.len = served->share.len,
		.grow = grow,
		.arg = &served->share};
}

/* It is of no use any more when all is durable. */
static void keep_no_more(struct served *served, bool durable)
{
	char path[PATH_LEN];
	struct why why;
	if (durable && path_of(served, path, &why) == 0)
		share_forget(&served->share, path);
	else
		share_done(&served->share);
}

static void work_on(struct served *served)
{
	if (served->engine)
		engine_clean(served->engine, served->pace ? NS_PER_SEC / served->pace : 0);
}

void volumes_pace(struct served *served, unsigned steps)
{
	served->pace = steps;
	work_on(served);
}

static void on_whole(void *arg)
{
	struct served *served = arg;
	fill_retire(TAKE(served->fill));
}

static int start_fill(struct served *served, struct why *why)
{
	const struct fill_parts parts = {.world = served->volumes->world,
		.disk = &served->disk.base,
		.engine = served->engine,
		.whole = on_whole,
		.arg = served};
	int err = fill_open(&parts, &served->fill, why);
	return err ? why_prefix(why, err, "volume %s", served->name) : 0;
}

static int start_engine(
	struct volumes *volumes, struct served *served, uint64_t make_size, struct why *why)
{
	struct volume_options options = {.disk = &served->disk.base, .make_size = make_size};
	struct volume *volume;
	int err = read_id(options.disk, options.identity);
	if (err)
		return why_errno(why, err, "volume %s: id", served->name);
	keep(served);
	options.recent = served->share.bytes ? &served->recent : NULL;
	memcpy(options.boot, volumes->boot, sizeof(options.boot));
	err = volume_open(&options, &volume, why);
	if (err) {
		keep_no_more(served, false);
		return why_prefix(why, err, "volume %s", served->name);
	}
	err = engine_open(volumes->pool, volume, &served->engine);
	if (err) {
		volume_close(volume);
		keep_no_more(served, false);
		return why_errno(why, err, "volume %s", served->name);
	}
	memcpy(served->identity, options.identity, sizeof(served->identity));
	err = start_fill(served, why);
	if (err) {
		/* Without it what is missing would read as zeros. */
		engine_free(TAKE(served->engine));
		keep_no_more(served, false);
		return err;
	}
	work_on(served);
	engine_scrub(served->engine, SCRUB_BYTES_PER_S);
	return 0;
}

static int end_engine(struct served *served, struct why *why)
{
	bool stopped = engine_stopped(served->engine);
	int err = engine_end(TAKE(served->engine), why);
	keep_no_more(served, !err && !stopped);
	return err;
}

int volumes_open_one(struct volumes *volumes, struct served *served, struct why *why)
{
	if (served->engine && !engine_stopped(served->engine))
		return 0;
	int err = served->engine ? volumes_close_one(served, why) : 0;
	if (!err)
		err = open_disk(served, why);
	if (!err)
		err = start_engine(volumes, served, 0, why);
	if (err)
		served->why = *why;
	return err;
}

int volumes_close_one(struct served *served, struct why *why)
{
	if (!served->engine)
		return 0;
	if (served->holds || served->place->queue)
		return why_set(why, -EBUSY,
			"volume %s: %u clients are connected to it: disconnect them first",
			served->name, served->holds);
	engine_clean(served->engine, 0);
	if (served->fill)
		fill_stop(served->fill);
	if (!engine_idle(served->engine) || (served->fill && !fill_idle(served->fill))) {
		work_on(served);
		if (served->fill)
			fill_go_on(served->fill);
		return why_set(why, -EBUSY, "volume %s is at work: try again", served->name);
	}
	served->why = (struct why){"closed"};
	fill_close(TAKE(served->fill));
	return end_engine(served, why);
}

static void insert(struct volumes *volumes, struct served *served)
{
	struct served **at = &volumes->first;
	while (*at && strcmp((*at)->name, served->name) < 0)
		at = &(*at)->next;
	served->next = *at;
	*at = served;
}

static void take_out(struct volumes *volumes, struct served *served)
{
	struct served **at = &volumes->first;
	while (*at != served)
		at = &(*at)->next;
	*at = served->next;
}

static bool give_place(struct volumes *volumes, struct served *served, const char *name)
{
	served->place = trace_take(volumes->trace, name);
	served->own_place = !served->place;
	if (served->own_place)
		served->place = calloc(1, sizeof(*served->place));
	return served->place;
}

static void take_place(struct served *served)
{
	if (served->own_place)
		free(served->place);
	else
		trace_give(served->place);
}

static struct served *add(struct volumes *volumes, const char *name)
{
	struct served *served = calloc(1, sizeof(*served));
	if (!served || !give_place(volumes, served, name)) {
		free(served);
		return NULL;
	}
	memcpy(served->name, name, strlen(name) + 1);
	served->volumes = volumes;
	served->pace = PACE_USUAL;
	insert(volumes, served);
	return served;
}

static void forget(struct volumes *volumes, struct served *served)
{
	take_out(volumes, served);
	if (served->has_disk)
		linux_disk_done(&served->disk);
	take_place(served);
	free(served);
}

/* How one is made. */
struct making {
	uint64_t size;
	const struct volumes_source *source; /* NULL: an empty one */
};

static int make(struct volumes *volumes, struct served *served, const struct making *making,
	struct why *why)
{
	uint8_t id[16];
	struct disk *disk = volumes->world->disk;
	int err = open_disk(served, why);
	/* Before there is a volume: it never is one whose blocks are zeros. */
	if (!err && making->source)
		err = fill_note(
			&served->disk.base, making->source->address, making->source->name, why);
	if (err)
		return err;
	dice_fill(volumes->world->dice, id, sizeof(id));
	err = write_id(&served->disk.base, id);
	if (!err)
		err = disk_sync_dir(disk, "volumes");
	if (err)
		return why_errno(why, err, "volume %s", served->name);
	return start_engine(volumes, served, making->size, why);
}

static int create(
	struct volumes *volumes, const char *name, const struct making *making, struct why *why)
{
	uint64_t size = making->size;
	int err = name_ok(name, why);
	if (err)
		return err;
	if (volumes_find(volumes, name))
		return why_set(why, -EEXIST,
			"there is a volume %s: choose another name, or remove that one", name);
	if (size == 0 || size % 512 || size > VOL_SIZE_MAX)
		return why_set(why, -EINVAL, "a volume has a multiple of 512 bytes, at most 8 TiB");
	struct served *served = add(volumes, name);
	if (!served)
		return why_set(why, -ENOMEM, "no memory for a volume");
	err = make(volumes, served, making, why);
	if (err)
		forget(volumes, served);
	return err;
}

int volumes_create(struct volumes *volumes, const char *name, uint64_t size, struct why *why)
{
	return create(volumes, name, &(struct making){size, NULL}, why);
}

int volumes_fill(struct volumes *volumes, const char *name, uint64_t size,
	const struct volumes_source *source, struct why *why)
{
	return create(volumes, name, &(struct making){size, source}, why);
}

int volumes_remove(struct volumes *volumes, struct served *served, struct why *why)
{
	static const char *const files[] = {
		"id", "map", "map.new", "map.lock", "data", "sums", "fill"};
	char path[VOLUME_NAME_MAX + 16];
	struct disk *disk = volumes->world->disk;
	int err = served->engine ? volumes_close_one(served, why) : 0;
	if (!err)
		err = open_disk(served, why);
	for (size_t i = 0; !err && i < sizeof(files) / sizeof(*files); i++) {
		int gone = disk_unlink(&served->disk.base, files[i]);
		if (gone && gone != -ENOENT)
			err = why_errno(why, gone, "volume %s: %s", served->name, files[i]);
	}
	if (err)
		return err;
	snprintf(path, sizeof(path), "volumes/%s", served->name);
	err = disk_rmdir(disk, path);
	if (!err)
		err = disk_sync_dir(disk, "volumes");
	if (err)
		return why_errno(why, err, "%s", path);
	forget(volumes, served);
	return 0;
}

int volumes_rename(
	struct volumes *volumes, struct served *served, const char *name, struct why *why)
{
	char from[VOLUME_NAME_MAX + 16], to[VOLUME_NAME_MAX + 16];
	struct why ignored;
	int err = name_ok(name, why);
	if (!err && volumes_find(volumes, name))
		err = why_set(why, -EEXIST,
			"there is a volume %s: choose another name, or remove that one", name);
	if (!err && served->fill)
		err = why_set(why, -EBUSY, "volume %s fills: wait until it is whole", served->name);
	if (!err)
		err = volumes_close_one(served, why);
	if (err)
		return err;
	snprintf(from, sizeof(from), "volumes/%s", served->name);
	snprintf(to, sizeof(to), "volumes/%s", name);
	if (served->has_disk)
		linux_disk_done(&served->disk);
	served->has_disk = false;
	err = disk_rename(volumes->world->disk, from, to);
	if (!err) {
		take_out(volumes, served);
		memcpy(served->name, name, strlen(name) + 1);
		insert(volumes, served);
		take_place(served);
		if (!give_place(volumes, served, name))
			err = -ENOMEM;
		else
			err = disk_sync_dir(volumes->world->disk, "volumes");
	}
	if (err)
		why_errno(why, err, "%s to %s", from, to);
	int again = volumes_open_one(volumes, served, err ? &ignored : why);
	return err ? err : again;
}

/* ---- all ---- */

static bool on_name(void *arg, const char *name, bool is_dir)
{
	struct why why;
	if (is_dir && name_ok(name, &why) == 0)
		add(arg, name);
	return true;
}

struct settling {
	struct engine_group group;
	struct engine_member members[];
};

static void on_settled(struct engine_group *group, int err, const struct why *why)
{
	(void)err, (void)why; /* an engine that could not be settled has stopped */
	free(container_of(group, struct settling, group));
}

/* Groups that an unclean end left half there: before anything else is asked of the engines. */
static int settle_groups(struct volumes *volumes)
{
	size_t count = 0, groups = 0;
	for (struct served *at = volumes->first; at; at = at->next) {
		if (!at->engine)
			continue;
		count++;
		vec_each (snapshot, &engine_map(at->engine)->snapshots)
			groups += snapshot->group.members != 0;
	}
	if (!groups)
		return 0;
	struct settling *settling = calloc(
		1, sizeof(*settling) + count * sizeof(*settling->members));
	if (!settling)
		return -ENOMEM;
	size_t i = 0;
	for (struct served *at = volumes->first; at; at = at->next)
		if (at->engine)
			settling->members[i++].engine = at->engine;
	settling->group.members = settling->members;
	settling->group.count = count;
	settling->group.done = on_settled;
	engine_group_settle(&settling->group);
	return 0;
}

int volumes_open(const struct volumes_parts *parts, struct volumes **ret_volumes, struct why *why)
{
	struct volumes *volumes = calloc(1, sizeof(*volumes));
	struct why ignored;
	if (!volumes)
		return why_set(why, -ENOMEM, "out of memory");
	struct world *world = parts->world;
	volumes->world = world;
	volumes->state = parts->state;
	volumes->trace = parts->trace;
	volumes->boot_known = share_boot(volumes->boot, &ignored) == 0;
	int err = engine_pool_new(world, &volumes->pool);
	if (!err)
		err = disk_mkdir(world->disk, "volumes");
	if (err == -EEXIST || !err)
		err = disk_list(world->disk, "volumes", on_name, volumes);
	if (err) {
		volumes_close(volumes);
		return why_errno(why, err, "the volumes of the state folder");
	}
	for (struct served *at = volumes->first; at; at = at->next)
		(void)volumes_open_one(volumes, at, &ignored);
	err = settle_groups(volumes);
	if (err) {
		volumes_close(volumes);
		return why_errno(why, err, "groups of snapshots");
	}
	*ret_volumes = volumes;
	return 0;
}

void volumes_still(struct volumes *volumes)
{
	for (struct served *at = volumes->first; at; at = at->next) {
		if (at->engine)
			engine_clean(at->engine, 0);
		if (at->fill)
			fill_stop(at->fill);
	}
}

void volumes_close(struct volumes *volumes)
{
	if (!volumes)
		return;
	while (volumes->first) {
		struct served *first = volumes->first;
		struct why why;
		fill_close(TAKE(first->fill));
		if (first->engine && engine_idle(first->engine))
			(void)end_engine(first, &why);
		engine_free(TAKE(first->engine));
		keep_no_more(first, false);
		forget(volumes, first);
	}
	engine_pool_free(volumes->pool);
	free(volumes);
}
