/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NAME, one file for each repository and key, replaced whole; and a small one for what archives
 * WAL, which runs each minute and never meets a chunk again. Beside it the folder NAME-sent with
 * the notes of a run, and two files that are locked: NAME-turn by the run, so that no two write one
 * memory, and for the key as a whole one with the highest number so far, while word is left.
 */
#include "ebb/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/vec.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/folders.h"
#include "ebb/keep.h"
#include "os/linux/disk.h"
#include "place/dir.h"
#include "place/place.h"
#include "repo/client.h"

enum { MEMORY_MAX = 1 << 30, NOTE_MAX = 64 << 20, NAME = 96, NOTE_NAME = NAME + 34, NUMBER = 8 };

struct memory {
	struct linux_disk disk;
	bool disk_open;
	struct place *place;
	bool small;
	struct file *turn, *number; /* locked */
	char name[NAME], sent[NAME], number_name[NAME];
};

void memory_close(struct memory *memory)
{
	if (!memory)
		return;
	file_close(memory->number);
	file_close(memory->turn);
	place_close(memory->place);
	if (memory->disk_open)
		linux_disk_done(&memory->disk);
	free(memory);
}

static void memory_own(struct memory **memory)
{
	memory_close(*memory);
}

static void tell(const struct why *why)
{
	call_fail(EXIT_OK, "what this client remembers: %s; everything is read and sent again",
		why->text);
}

/* ---- numbers ---- */

/*
 * Where the folder cannot be written, the clock alone has to tell. The file says what was used
 * before it is used.
 */
static int raise_number(void *arg, uint64_t *number, struct why *why)
{
	struct memory *memory = arg;
	uint8_t bytes[NUMBER];
	const unsigned flags = FILE_READ | FILE_WRITE | FILE_CREATE;
	if (disk_open(&memory->disk.base, memory->number_name, flags, &memory->number))
		return 0;
	if (file_lock_wait(memory->number) == -EWOULDBLOCK) {
		file_close(TAKE(memory->number));
		return why_set(why, -EWOULDBLOCK,
			"another run of this key has been leaving word for half a minute: run it "
			"again");
	}
	if (!file_read_full(memory->number, bytes, NUMBER, 0) && get_le64(bytes) >= *number)
		*number = get_le64(bytes) + 1;
	put_le64(bytes, *number);
	if (!file_write_full(memory->number, bytes, NUMBER, 0))
		(void)file_sync(memory->number);
	return 0;
}

static void release_number(void *arg)
{
	struct memory *memory = arg;
	file_close(TAKE(memory->number));
}

/* ---- notes ---- */

static void keep_note(void *arg, const struct object_id *pack, const uint8_t *bytes, size_t len)
{
	struct memory *memory = arg;
	char hex[33], name[NOTE_NAME];
	snprintf(name, sizeof(name), "%s/%s", memory->sent, object_show_id(pack, hex));
	(void)place_put(memory->place, name, bytes, len, NULL);
}

struct notes {
	VEC(char *) names; /* in the folder */
};

static void notes_done(struct notes *notes)
{
	vec_each (name, &notes->names)
		free(*name);
	vec_done(&notes->names);
}

static bool note_name(void *arg, const char *name, bool is_dir)
{
	struct notes *notes = arg;
	char *copy = is_dir ? NULL : strdup(name);
	if (copy && vec_push(&notes->names, copy))
		free(copy);
	return true;
}

static void list_notes(struct memory *memory, struct notes *notes)
{
	(void)disk_list(&memory->disk.base, memory->sent, note_name, notes);
}

static void take_notes(struct keep *keep, struct memory *memory)
{
	OWN(notes_done) struct notes notes = {0};
	list_notes(memory, &notes);
	vec_each (note, &notes.names) {
		OWN(own_free) uint8_t *bytes = NULL;
		struct why why = {""};
		char name[NOTE_NAME];
		size_t len;
		if (snprintf(name, sizeof(name), "%s/%s", memory->sent, *note) >= NOTE_NAME ||
			place_get_whole(memory->place, name, NOTE_MAX, &bytes, &len))
			continue;
		if (repo_client_take_note(keep->repo, bytes, len, &why))
			call_fail(
				EXIT_OK, "%s: %s; what it tells of is sent again", name, why.text);
	}
}

/* What was saved tells of all that they do. One that comes back after a crash is known then. */
static void drop_notes(struct memory *memory)
{
	OWN(notes_done) struct notes notes = {0};
	list_notes(memory, &notes);
	vec_each (note, &notes.names) {
		char name[NOTE_NAME];
		if (snprintf(name, sizeof(name), "%s/%s", memory->sent, *note) < NOTE_NAME)
			(void)disk_unlink(&memory->disk.base, name);
	}
}

/* ---- the memory ---- */

/* One run after the other writes it. Where files cannot be locked the last one counts. */
static void wait_for_turn(struct memory *memory)
{
	char name[NAME + 8];
	snprintf(name, sizeof(name), "%s-turn", memory->name);
	if (disk_open(&memory->disk.base, name, FILE_WRITE | FILE_CREATE, &memory->turn) ||
		file_lock(memory->turn) != -EWOULDBLOCK)
		return;
	call_fail(EXIT_OK, "another run of this key is under way on this machine: waiting for it");
	while (file_lock_wait(memory->turn) == -EWOULDBLOCK)
		;
}

static void name_files(const struct keep *keep, struct memory *memory)
{
	char repo[33], key[33];
	object_show_id(repo_id(keep->repo), repo);
	object_show_id(repo_key_id(keep->repo), key);
	memory->small = strcmp(keep->call->args.command->noun, "wal") == 0;
	const char *end = memory->small ? "-wal" : "";
	snprintf(memory->name, NAME, "client-%s-%.16s%s", repo, key, end);
	snprintf(memory->sent, NAME, "client-%s-%.16s%s-sent", repo, key, end);
	snprintf(memory->number_name, NAME, "client-%s-%.16s-number", repo, key);
}

static int memory_open(struct keep *keep, struct memory **ret_memory, struct why *why)
{
	OWN(memory_own) struct memory *memory = calloc(1, sizeof(*memory));
	const char *folder = keep->call->catalog_folder;
	if (!memory)
		return why_errno(why, -ENOMEM, "memory");
	if (!*folder)
		return why_set(why, -ENOENT, "no folder for state is known");
	int err = folders_make(folder);
	if (err)
		return why_errno(why, err, "%s", folder);
	err = linux_disk_init(&memory->disk, folder, why);
	if (err)
		return err;
	memory->disk_open = true;
	name_files(keep, memory);
	err = place_dir_open(&memory->disk.base, &memory->place);
	if (err)
		return why_errno(why, err, "%s", folder);
	wait_for_turn(memory);
	*ret_memory = TAKE(memory);
	return 0;
}

static int load_whole(struct keep *keep, struct memory *memory, struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	size_t len;
	int err = place_get_whole(memory->place, memory->name, MEMORY_MAX, &bytes, &len);
	if (err == -ENOENT)
		return 0;
	return err ? why_errno(why, err, "%s", memory->name)
		   : repo_client_load(keep->repo, bytes, len, why);
}

void memory_load(struct keep *keep)
{
	struct why why = {""};
	if (!repo_ring(keep->repo)->write_only)
		return;
	int err = memory_open(keep, &keep->memory, &why);
	if (err) {
		tell(&why);
		return;
	}
	const struct client_notes notes = {keep_note, raise_number, release_number, keep->memory};
	repo_client_set_notes(keep->repo, &notes);
	if (load_whole(keep, keep->memory, &why))
		tell(&why);
	take_notes(keep, keep->memory);
}

void memory_save(struct keep *keep)
{
	struct memory *memory = keep->memory;
	OWN(own_free) uint8_t *bytes = NULL;
	struct why why = {""};
	size_t len;
	if (!memory)
		return;
	int err = repo_client_save(keep->repo, !memory->small, &bytes, &len);
	if (err)
		why_set(&why, err, "no memory");
	else
		err = place_put(memory->place, memory->name, bytes, len, &why);
	if (err)
		tell(&why);
	else
		drop_notes(memory);
}
