/* SPDX-License-Identifier: Apache-2.0 */
/* What is noticed of an attack, and that no restore gives a wrong byte. */
#include "tests/attack/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ship/image_read.h"
#include "ship/restore.h"

/* ---- what is found ---- */

const char *rig_name(const struct check_object *object, char name[OBJECT_NAME])
{
	return object_name(object->kind, &object->id, name);
}

static void note_trouble(void *arg, const char *what)
{
	struct rig *rig = arg;
	(void)what;
	rig->troubles++;
}

bool rig_note_state(void *arg, const struct check_object *object, enum check_state state)
{
	struct states *states = arg;
	states->last = state;
	for (size_t i = 0; states->all && i < states->rig->list.objects.len; i++)
		if (object->kind == states->rig->list.objects.at[i].kind &&
			object_id_equal(&object->id, &states->rig->list.objects.at[i].id))
			states->all[i] = state;
	return true;
}

enum check_state rig_look(struct rig *rig, const struct check_object *object, bool repair)
{
	struct states states = {.rig = rig, .last = CHECK_WHOLE};
	struct check_options how = {.repair = repair, .on_object = rig_note_state, .arg = &states};
	struct check_result result = {0};
	repo_check_some(rig->repo, object, 1, &how, &result);
	return states.last;
}

bool rig_noticed(struct rig *rig, struct verify_result *ret_result)
{
	struct repo *repo;
	struct verify_options how = {.follow = true, .on_trouble = note_trouble, .arg = rig};
	rig->troubles = 0;
	*ret_result = (struct verify_result){0};
	if (repo_open(&rig->at, rig->secret, rig->generation, &repo, &rig->why))
		return true;
	int err = verify_repo(repo, &how, ret_result, &rig->why);
	repo_close(repo);
	return err || rig->troubles;
}

bool rig_states(struct rig *rig, enum check_state *ret_all)
{
	struct repo *repo;
	struct states states = {.rig = rig, .all = ret_all};
	struct verify_options how = {.follow = true, .on_object = rig_note_state, .arg = &states};
	struct verify_result result;
	if (repo_open(&rig->at, rig->secret, rig->generation, &repo, &rig->why))
		return false;
	CHECK_EQ(verify_repo(repo, &how, &result, &rig->why), 0);
	repo_close(repo);
	return true;
}

bool rig_is_root(const struct rig *rig, const struct check_object *object)
{
	return object->kind == OBJECT_REPO || object->kind == OBJECT_KEY ||
		object->kind == OBJECT_INDEX ||
		(object->kind == OBJECT_HEAD &&
			object_head_generation(&object->id) == rig->generation);
}

void rig_must_notice(struct rig *rig, const char *what, const char *name, struct count *count)
{
	struct verify_result result;
	count->tried++;
	if (rig_noticed(rig, &result))
		count->detected++;
	else
		test_note("unnoticed: %s %s", what, name);
}

/* ---- no wrong byte ---- */

static void check_file(struct rig *rig, int point, int file, bool must_be_there)
{
	char path[200];
	uint8_t want[FILE_LEN], have[FILE_LEN + 1];
	size_t len = rig_content(file, rig->versions[point][file], want);
	snprintf(path, sizeof(path), "%s/%s", rig->target, rig_files[file]);
	FILE *in = fopen(path, "rb");
	if (!in && !must_be_there)
		return;
	CHECK(in);
	size_t n = fread(have, 1, sizeof(have), in);
	fclose(in);
	CHECK(n == len && memcmp(have, want, len) == 0);
}

static void check_image(struct rig *rig, struct repo *repo, bool must_be_there)
{
	struct image_reader *reader = calloc(1, sizeof(*reader));
	uint8_t *have = malloc(IMAGE_LEN);
	struct point point;
	CHECK(reader && have);
	int err = repo_point(repo, &rig->image_point.id, &point, &rig->why);
	if (!err)
		err = image_open(repo, &point.root, reader, &rig->why);
	if (!err)
		err = image_read(reader, 0, have, IMAGE_LEN, &rig->why);
	CHECK(err || memcmp(have, rig->image.bytes, IMAGE_LEN) == 0);
	CHECK(!err || !must_be_there);
	image_close(reader);
	free(reader);
	free(have);
}

void rig_restore(struct rig *rig, int which, bool must_be_there)
{
	struct repo *repo;
	struct point point;
	struct restore_result result;
	struct restore_options options = {.target = rig->target};
	int err = repo_open(&rig->at, rig->secret, rig->generation, &repo, &rig->why);
	CHECK(!err || !must_be_there);
	if (err)
		return;
	CHECK_EQ(mkdir(rig->target, 0755), 0);
	err = repo_point(repo, &rig->points[which].id, &point, &rig->why);
	if (!err)
		err = restore_dir(repo, &rig->files, &point, &options, &result, &rig->why);
	CHECK(!must_be_there || (!err && !result.failed));
	for (int file = 0; file < FILES; file++)
		check_file(rig, which, file, must_be_there);
	check_image(rig, repo, must_be_there);
	repo_close(repo);
	rig_remove_all(rig->target);
}
