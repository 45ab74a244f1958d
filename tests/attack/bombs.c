/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bombs: things of a few bytes that claim to be huge, in every structure at the place; most of them
 * sealed by somebody who may. Each is read in a child process that gets a little memory and no
 * more: it must be refused for what it is, and never for want of memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/sanitized.h"
#include "chunk/parity.h"
#include "chunk/seal.h"
#include "repo/inbox.h"
#include "repo/inner.h"
#include "repo/keys.h"
#include "ship/image_read.h"
#include "ship/need.h"
#include "ship/restore.h"
#include "tests/attack/rig.h"

/* A chunk of 8 MiB, packed and plain, and what goes with it. */
enum { ROOM = 24 << 20 };

/* 0: it went as it should; else a negative errno. */
typedef int bomb_fn(struct rig *rig);

static rlim_t data_used(void)
{
	char line[200];
	unsigned long kib = 0;
	FILE *status = fopen("/proc/self/status", "r");
	CHECK(status);
	while (!kib && fgets(line, sizeof(line), status))
		if (strncmp(line, "VmData:", 7) == 0)
			kib = strtoul(line + 7, NULL, 10);
	fclose(status);
	CHECK(kib);
	return (rlim_t)kib << 10;
}

/* A compiler may take an allocation that nobody reads as given, and leave it out. */
static bool is_given(size_t bytes)
{
	void *volatile piece = malloc(bytes);
	return piece;
}

/* All that the heap has free already, down to pieces too small to matter: it is room besides. */
static void eat_what_is_free(void)
{
	for (size_t piece = ROOM; piece >= 4096; piece /= 2)
		while (is_given(piece))
			;
}

static void limit_data(rlim_t bytes)
{
	struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
	CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
}

/* In the child: the limit holds, or the test would show nothing. */
static void limit_memory(void)
{
	rlim_t used = data_used();
	limit_data(used);
	eat_what_is_free();
	limit_data(used + ROOM);
	CHECK(!is_given(ROOM + (1 << 20)));
}

/* ---- what anybody can write who owns the place ---- */

/* Each object is nothing but a header that claims the most. */
static int huge_headers(struct rig *rig)
{
	vec_each (object, &rig->list.objects) {
		char name[OBJECT_NAME];
		uint8_t bytes[8192];
		struct object_header header = {.kind = object->kind, .length = OBJECT_MAX};
		const struct mem_object *was = mem_find(&rig->base, rig_name(object, name));
		memcpy(header.repo.b, was->bytes + 16, sizeof(header.repo.b));
		memcpy(header.id.b, was->bytes + 32, sizeof(header.id.b));
		object_put_header(bytes, &header);
		size_t len = OBJECT_HEADER + parity_size(OBJECT_HEADER, PARITY);
		if (len > sizeof(bytes) || parity_add(bytes, OBJECT_HEADER, PARITY, &object->id))
			return -EINVAL;
		mem_set(&rig->mem, name, bytes, len);
		enum check_state state = rig_look(rig, object, false);
		if (state != CHECK_DAMAGED && state != CHECK_IDLE)
			return -EBADMSG;
		mem_set(&rig->mem, name, was->bytes, was->len);
	}
	return 0;
}

static void claim_shape(uint8_t *mark, uint16_t shards, uint64_t shard, uint64_t len)
{
	put_le16(mark + 10, shards);
	put_le16(mark + 12, 1);
	put_le64(mark + 16, shard);
	put_le64(mark + 24, len);
	put_le64(mark + 56, hash64(mark, 56, 0));
}

/*
 * The end marks claim the most shards there can be: of a length that fills the object, so that
 * nearly all of them are only thought, and of the greatest length.
 */
static int huge_marks(struct rig *rig)
{
	vec_each (object, &rig->list.objects) {
		char name[OBJECT_NAME];
		struct parity_report report;
		struct mem_object *here = mem_find(&rig->mem, rig_name(object, name));
		const struct mem_object *was = mem_find(&rig->base, name);
		size_t tables = 2 * 241 * 8 + 128;
		for (int i = 0; i < 2 && here->len > tables + OBJECT_HEADER; i++) {
			uint64_t shard = i ? OBJECT_MAX : here->len - tables - OBJECT_HEADER;
			claim_shape(here->bytes + here->len - 128, 240, shard, OBJECT_HEADER);
			claim_shape(here->bytes + here->len - 64, 240, shard, OBJECT_HEADER);
			int err = parity_repair(here->bytes, here->len, &object->id, &report, NULL);
			if (err != -EBADMSG)
				return err ? err : -EINVAL;
			if (rig_look(rig, object, false) == CHECK_WHOLE)
				return -EBADMSG;
		}
		mem_set(&rig->mem, name, was->bytes, was->len);
	}
	return 0;
}

/* A passphrase that would cost 4 TiB and 4 thousand million passes. */
static int huge_argon2(struct rig *rig)
{
	struct unlock unlock = {.passphrase = "low tide", .passphrase_len = 8};
	struct repo *repo;
	bool found = false;
	vec_each (object, &rig->list.objects) {
		char name[OBJECT_NAME];
		struct object_header header;
		if (object->kind != OBJECT_KEY)
			continue;
		struct mem_object *here = mem_find(&rig->mem, rig_name(object, name));
		uint8_t *slot = here->bytes + OBJECT_HEADER;
		if (slot[4] != 1 || object_get_header(here->bytes, here->len, &header, NULL))
			continue;
		found = true;
		put_le32(slot + 8, UINT32_MAX);
		put_le32(slot + 12, UINT32_MAX);
		put_le32(slot + 16, 16);
		if (parity_add(here->bytes, header.length, PARITY, &object->id))
			return -EINVAL;
	}
	int err = found ? repo_open_with(&rig->at, &unlock, 0, &repo, &rig->why) : 0;
	return err == -ENOMEM ? err : err ? 0 : -EBADMSG;
}

/* ---- what somebody can write who has a key ---- */

/* Every four bytes of a body claim the most there is, one after the other. */
static int claim_everywhere(const uint8_t *body, size_t len,
	int (*read)(void *arg, const uint8_t *body, size_t len), void *arg)
{
	static const uint32_t claims[] = {UINT32_MAX, INT32_MAX, 1 << 24};
	OWN(own_free) uint8_t *copy = malloc(len);
	if (!copy)
		return -ENOMEM;
	for (size_t at = 0; at + 4 <= len; at++)
		for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
			memcpy(copy, body, len);
			put_le32(copy + at, claims[i]);
			if (read(arg, copy, len) == -ENOMEM)
				return -ENOMEM;
		}
	return 0;
}

static int read_index(void *arg, const uint8_t *body, size_t len)
{
	struct index index = {0};
	(void)arg;
	int err = index_get(&index, body, len, NULL);
	index_done(&index);
	return err;
}

static int read_head(void *arg, const uint8_t *body, size_t len)
{
	struct rig *rig = arg;
	struct head head;
	int err = head_get(body, len, &rig->repo->id, rig->repo->ring, &head, NULL);
	if (!err)
		head_done(&head);
	return err;
}

static int read_point(void *arg, const uint8_t *body, size_t len)
{
	struct point point;
	(void)arg;
	return point_get(body, len, &point, NULL);
}

static int claim_in_object(struct rig *rig, enum object_kind kind, const struct object_id *id,
	int (*read)(void *arg, const uint8_t *body, size_t len))
{
	OWN(own_free) uint8_t *body = NULL;
	size_t len;
	int err = repo_fetch(rig->repo, kind, id, &body, &len, &rig->why);
	return err ? err : claim_everywhere(body, len, read, rig);
}

static int huge_counts(struct rig *rig)
{
	const struct head *head = repo_head(rig->repo);
	struct object_id newest = object_head_id(rig->generation);
	int err = claim_in_object(rig, OBJECT_INDEX, &head->indexes.at[0].id, read_index);
	if (!err)
		err = claim_in_object(rig, OBJECT_HEAD, &newest, read_head);
	return err ? err : claim_in_object(rig, OBJECT_POINT, &head->points.at[0].id, read_point);
}

/* A pack whose tail and directory claim more than there is. */
static int read_pack(void *arg, const uint8_t *body, size_t len)
{
	struct rig *rig = arg;
	struct pack_directory directory;
	int err = pack_read_directory(body, len, rig->repo->ring, &directory, NULL);
	if (!err)
		pack_directory_done(&directory);
	return err;
}

static int huge_tails(struct rig *rig)
{
	static const uint32_t claims[] = {UINT32_MAX, INT32_MAX, SEAL_SEGMENTS_MAX - 1};
	for (size_t i = 0; i < rig->list.objects.len; i++) {
		const struct check_object *object = &rig->list.objects.at[i];
		char name[OBJECT_NAME];
		struct object_header header;
		if (object->kind != OBJECT_META)
			continue;
		struct mem_object *here = mem_find(&rig->mem, rig_name(object, name));
		if (object_get_header(here->bytes, here->len, &header, NULL))
			return -EINVAL;
		uint8_t *tail = here->bytes + header.length - PACK_TAIL;
		for (size_t at = 0; at + 4 <= 24; at += 4)
			for (size_t c = 0; c < sizeof(claims) / sizeof(claims[0]); c++) {
				uint8_t was[PACK_TAIL];
				memcpy(was, tail, sizeof(was));
				put_le32(tail + at, claims[c]);
				put_le64(tail + 24, hash64(tail, 24, get_le64(here->bytes + 32)));
				if (read_pack(rig, here->bytes, header.length) == -ENOMEM)
					return -ENOMEM;
				memcpy(tail, was, sizeof(was));
			}
	}
	return 0;
}

/* A word of a writer: refused, however much it says to tell of. */
static int read_word(void *arg, const uint8_t *body, size_t len)
{
	struct rig *rig = arg;
	struct object_header header = {.kind = OBJECT_INBOX, .id = {{1, 2, 3}}};
	struct inbox_options how = {.walk = need_walk};
	struct inbox_result result;
	char name[OBJECT_NAME];
	int err = repo_store(rig->repo, &header, body, len, &rig->why);
	if (!err)
		err = repo_inbox_adopt(rig->repo, &how, &result, &rig->why);
	if (!err && result.adopted)
		return -ENOMEM;
	mem_remove(&rig->mem, object_name(OBJECT_INBOX, &header.id, name));
	return err;
}

static int huge_words(struct rig *rig)
{
	vec_each (object, &rig->list.objects) {
		OWN(own_free) uint8_t *body = NULL;
		char name[OBJECT_NAME];
		size_t len;
		if (object->kind != OBJECT_INBOX)
			continue;
		int err = repo_fetch(rig->repo, OBJECT_INBOX, &object->id, &body, &len, &rig->why);
		mem_remove(&rig->mem, rig_name(object, name));
		return err ? err : claim_everywhere(body, len, read_word, rig);
	}
	return -ENOENT;
}

/* ---- what lies in chunks ---- */

struct chunks {
	struct rig *rig;
	struct point point;
	enum chunk_kind kind;
};

/* The root with other bytes, as a restore meets it. */
static int restore_tree(void *arg, const uint8_t *body, size_t len)
{
	struct chunks *chunks = arg;
	struct rig *rig = chunks->rig;
	struct restore_result result;
	struct restore_options options = {.target = rig->target};
	struct point point = chunks->point;
	int err = repo_put_chunk(rig->repo, chunks->kind, body, len, &point.root, &rig->why);
	if (err || mkdir(rig->target, 0755))
		return -ENOMEM;
	err = restore_dir(rig->repo, &rig->files, &point, &options, &result, &rig->why);
	rig_remove_all(rig->target);
	return err;
}

static int read_image(void *arg, const uint8_t *body, size_t len)
{
	struct chunks *chunks = arg;
	struct rig *rig = chunks->rig;
	struct image_reader *reader = calloc(1, sizeof(*reader));
	uint8_t bytes[4096];
	struct digest root;
	int err = reader ? repo_put_chunk(rig->repo, chunks->kind, body, len, &root, &rig->why)
			 : -ENOMEM;
	if (!err)
		err = image_open(rig->repo, &root, reader, &rig->why);
	for (uint64_t at = 0; !err && at < IMAGE_LEN; at += 50000)
		err = image_read(reader, at, bytes, sizeof(bytes), &rig->why);
	if (reader)
		image_close(reader);
	free(reader);
	return err;
}

static int claim_in_root(struct rig *rig, const struct point *point, enum chunk_kind kind,
	int (*read)(void *arg, const uint8_t *body, size_t len))
{
	OWN(own_free) uint8_t *body = NULL;
	struct chunks chunks = {rig, *point, kind};
	size_t len;
	int err = repo_chunk(rig->repo, &point->root, kind, &body, &len, &rig->why);
	return err ? err : claim_everywhere(body, len, read, &chunks);
}

static int huge_trees(struct rig *rig)
{
	return claim_in_root(rig, &rig->points[POINTS - 1], CHUNK_TREE, restore_tree);
}

static int huge_maps(struct rig *rig)
{
	return claim_in_root(rig, &rig->image_point, CHUNK_MAP, read_image);
}

/* The greatest chunk out of a few bytes: that much, and no more. */
static int huge_chunk(struct rig *rig)
{
	OWN(own_free) uint8_t *bytes = calloc(1, CONTENT_MAX);
	OWN(own_free) uint8_t *again = NULL;
	struct digest digest;
	size_t len;
	if (!bytes)
		return -ENOMEM;
	int err = repo_put_chunk(rig->repo, CHUNK_CONTENT, bytes, CONTENT_MAX, &digest, &rig->why);
	if (!err)
		err = repo_close_packs(rig->repo, &rig->why);
	if (!err)
		err = repo_chunk(rig->repo, &digest, CHUNK_CONTENT, &again, &len, &rig->why);
	return err ? err : len == CONTENT_MAX && !memcmp(bytes, again, len) ? 0 : -EBADMSG;
}

static const struct {
	const char *what;
	bomb_fn *bomb;
} bombs[] = {
	{"headers that claim the longest object", huge_headers},
	{"end marks that claim the most parts", huge_marks},
	{"a passphrase of 4 TiB", huge_argon2},
	{"counts in an index, a head, a point", huge_counts},
	{"tails of packs", huge_tails},
	{"counts in a writer's word", huge_words},
	{"the root of a tree", huge_trees},
	{"the root of an image", huge_maps},
	{"8 MiB out of some bytes", huge_chunk},
};

TEST(bombs_sampled)
{
	if (is_sanitized())
		test_skip("a sanitizer has memory of its own");
	struct rig *rig = rig_begin();
	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		int status;
		fflush(stdout);
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			limit_memory();
			_exit(-bombs[i].bomb(rig));
		}
		CHECK(waitpid(child, &status, 0) == child);
		if (!WIFEXITED(status))
			test_fail(__FILE__, __LINE__, "%s: ended by signal %d", bombs[i].what,
				WTERMSIG(status));
		if (WEXITSTATUS(status))
			test_fail(__FILE__, __LINE__, "%s: %s", bombs[i].what,
				strerror(WEXITSTATUS(status)));
	}
	rig_end(rig);
}
