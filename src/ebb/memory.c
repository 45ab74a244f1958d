/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file for each repository and key, replaced whole; and a small one for what archives WAL,
 * which runs each minute and never meets a chunk again.
 */
#include "ebb/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/folders.h"
#include "ebb/keep.h"
#include "os/linux/disk.h"
#include "place/dir.h"
#include "place/place.h"
#include "repo/client.h"

enum { MEMORY_MAX = 1 << 30, NAME = 84 };

struct memory {
	struct linux_disk disk;
	bool disk_open;
	struct place *place;
	bool small;
	char name[NAME];
};

static void memory_done(struct memory *memory)
{
	place_close(memory->place);
	if (memory->disk_open)
		linux_disk_done(&memory->disk);
}

/* -EALREADY: this key reads, so there is nothing to remember. */
static int memory_open(struct keep *keep, struct memory *memory, struct why *why)
{
	char repo[33], key[33];
	const char *folder = keep->call->catalog_folder;
	if (!repo_ring(keep->repo)->write_only)
		return -EALREADY;
	if (!*folder)
		return why_set(why, -ENOENT, "no folder for state is known");
	int err = folders_make(folder);
	if (err)
		return why_errno(why, err, "%s", folder);
	err = linux_disk_init(&memory->disk, folder, why);
	if (err)
		return err;
	memory->disk_open = true;
	memory->small = strcmp(keep->call->args.command->noun, "wal") == 0;
	snprintf(memory->name, sizeof(memory->name), "client-%s-%.16s%s",
		object_show_id(repo_id(keep->repo), repo),
		object_show_id(repo_key_id(keep->repo), key), memory->small ? "-wal" : "");
	return place_dir_open(&memory->disk.base, &memory->place);
}

static void tell(const struct why *why)
{
	call_fail(EXIT_OK, "what this client remembers: %s; everything is read and sent again",
		why->text);
}

void memory_load(struct keep *keep)
{
	OWN(memory_done) struct memory memory = {0};
	OWN(own_free) uint8_t *bytes = NULL;
	struct why why = {""};
	size_t len;
	int err = memory_open(keep, &memory, &why);
	if (err == -EALREADY)
		return;
	if (!err) {
		err = place_get_whole(memory.place, memory.name, MEMORY_MAX, &bytes, &len);
		if (err == -ENOENT)
			return;
		why_errno(&why, err, "%s", memory.name);
	}
	if (!err)
		err = repo_client_load(keep->repo, bytes, len, &why);
	if (err)
		tell(&why);
}

void memory_save(struct keep *keep)
{
	OWN(memory_done) struct memory memory = {0};
	OWN(own_free) uint8_t *bytes = NULL;
	struct why why = {""};
	size_t len;
	int err = memory_open(keep, &memory, &why);
	if (err == -EALREADY)
		return;
	if (!err && repo_client_save(keep->repo, !memory.small, &bytes, &len))
		err = why_set(&why, -ENOMEM, "no memory");
	if (!err)
		err = place_put(memory.place, memory.name, bytes, len, &why);
	if (err)
		tell(&why);
}
