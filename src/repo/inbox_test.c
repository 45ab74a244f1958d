/* SPDX-License-Identifier: Apache-2.0 */
/* A key that may only write: what it can do, and what nobody can do with it. */
#include "repo/inbox.h"

#include <errno.h>
#include <stdio.h>

#include "base/units.h"
#include "repo/client.h"
#include "repo/client_inner.h"
#include "repo/rig_test.h"

struct fixture {
	struct rig rig;
	uint8_t writer[SECRET_SIZE];
	struct object_id writer_id;
	char told[400]; /* of the last inbox that was refused */
};

static struct object_id add_writer(struct fixture *f, uint8_t secret[SECRET_SIZE])
{
	struct repo *repo = rig_open(&f->rig, f->rig.secret);
	struct object_id id;
	CHECK_EQ(rig_add_key(repo, SLOT_WRITER, &f->rig.dice, secret, &id), 0);
	repo_close(repo);
	return id;
}

static void begin(struct fixture *f, uint64_t seed)
{
	memset(f, 0, sizeof(*f));
	rig_begin(&f->rig, seed);
	f->writer_id = add_writer(f, f->writer);
}

static void end(struct fixture *f)
{
	rig_end(&f->rig);
}

/* A point whose root is a list chunk that is the text itself. */
static struct point bring(struct fixture *f, struct repo *repo, const char *text)
{
	struct point point = {
		.source = POINT_DIR, .kind = POINT_FULL, .resource = "dir/secret-name"};
	CHECK_EQ(repo_put_chunk(repo, CHUNK_LIST, text, strlen(text), &point.root, &f->rig.why), 0);
	if (repo_commit(repo, &point, &f->rig.why))
		test_fail(__FILE__, __LINE__, "%s", f->rig.why.text);
	return point;
}

static int walk(
	struct repo *repo, const struct point *point, gc_chunk_fn *fn, void *arg, struct why *why)
{
	(void)repo;
	(void)why;
	int err = fn(arg, &point->root, CHUNK_LIST, false);
	return err < 0 ? err : 0;
}

static void on_inbox(void *arg, const char *name, const struct why *why)
{
	struct fixture *f = arg;
	(void)name;
	snprintf(f->told, sizeof(f->told), "%s", why ? why->text : "");
}

static struct inbox_result adopt(struct fixture *f)
{
	struct repo *repo = rig_open(&f->rig, f->rig.secret);
	struct inbox_options how = {.walk = walk, .on_inbox = on_inbox, .arg = f};
	struct inbox_result result;
	if (repo_inbox_adopt(repo, &how, &result, &f->rig.why))
		test_fail(__FILE__, __LINE__, "%s", f->rig.why.text);
	repo_close(repo);
	return result;
}

/* Adopts, and exactly one is refused with these words. */
static void check_refused(struct fixture *f, const char *words)
{
	struct inbox_result result = adopt(f);
	CHECK_EQ(result.adopted, 0);
	CHECK_EQ(result.refused, 1);
	if (!strstr(f->told, words))
		test_fail(__FILE__, __LINE__, "told \"%s\", not \"%s\"", f->told, words);
}

struct found {
	char names[64][OBJECT_NAME];
	size_t count;
};

static bool note_name(void *arg, const char *name, uint64_t size)
{
	struct found *found = arg;
	(void)size;
	CHECK(found->count < 64);
	snprintf(found->names[found->count++], OBJECT_NAME, "%s", name);
	return true;
}

static struct found list(struct fixture *f, const char *folder)
{
	struct found found = {.count = 0};
	CHECK_EQ(place_list(f->rig.world.place, folder, note_name, &found), 0);
	return found;
}

static void copy_object(struct place *from, struct place *to, const char *name)
{
	uint8_t *bytes;
	size_t len;
	CHECK_EQ(place_get_whole(from, name, 1 << 24, &bytes, &len), 0);
	CHECK_EQ(place_put(to, name, bytes, len, NULL), 0);
	free(bytes);
}

TEST(a_point_exists_when_it_was_proved)
{
	struct fixture f;
	begin(&f, 1);
	struct repo *writer = rig_open(&f.rig, f.writer);
	struct point point = bring(&f, writer, "tide tables");
	repo_close(writer);
	struct repo *repo = rig_open(&f.rig, f.rig.secret);
	CHECK_EQ(repo_head(repo)->points.len, 0);
	repo_close(repo);
	struct inbox_result result = adopt(&f);
	CHECK_EQ(result.adopted, 1);
	CHECK_EQ(result.refused, 0);
	CHECK_EQ(list(&f, "inbox").count, 0);
	repo = rig_open(&f.rig, f.rig.secret);
	CHECK_EQ(repo_head(repo)->points.len, 1);
	uint8_t *bytes;
	size_t len;
	CHECK_EQ(repo_chunk(repo, &point.root, CHUNK_LIST, &bytes, &len, &f.rig.why), 0);
	CHECK(len == 11 && memcmp(bytes, "tide tables", 11) == 0);
	free(bytes);
	repo_close(repo);
	end(&f);
}

TEST(it_remembers_what_it_brought_and_forgets_what_is_gone)
{
	struct fixture f;
	uint8_t *memory;
	size_t len;
	begin(&f, 2);
	struct repo *writer = rig_open(&f.rig, f.writer);
	struct point first = bring(&f, writer, "tide tables"), point;
	CHECK_EQ(repo_client_save(writer, true, &memory, &len), 0);
	CHECK(!memmem(memory, len, "tide", 4) && !memmem(memory, len, "secret-name", 11));
	repo_close(writer);

	writer = rig_open(&f.rig, f.writer);
	CHECK_EQ(repo_client_load(writer, memory, len, &f.rig.why), 0);
	CHECK_EQ(repo_head(writer)->points.len, 1);
	CHECK_EQ(repo_point(writer, &first.id, &point, &f.rig.why), 0);
	CHECK_STR(point.resource, "dir/secret-name");
	bring(&f, writer, "tide tables");
	CHECK_EQ(repo_written(writer).new_chunks, 0);
	repo_close(writer);
	CHECK_EQ(adopt(&f).adopted, 2);

	struct found packs = list(&f, "meta");
	CHECK_EQ(packs.count, 1);
	CHECK_EQ(place_remove(f.rig.world.place, packs.names[0]), 0);
	writer = rig_open(&f.rig, f.writer);
	CHECK_EQ(repo_client_load(writer, memory, len, &f.rig.why), 0);
	CHECK_EQ(repo_head(writer)->points.len, 0);
	bring(&f, writer, "tide tables");
	CHECK_EQ(repo_written(writer).new_chunks, 1);
	repo_close(writer);
	for (size_t i = 0; i < len; i += 7) {
		memory[i] ^= 1;
		writer = rig_open(&f.rig, f.writer);
		CHECK_EQ(repo_client_load(writer, memory, len, &f.rig.why), -EBADMSG);
		repo_close(writer);
		memory[i] ^= 1;
	}
	free(memory);
	end(&f);
}

/* Whether any 32 bytes that the ring holds, taken as a private key, open the object's envelope. */
static bool opens_with_any(const struct key_ring *ring, const uint8_t *bytes, size_t len)
{
	struct key_ring *tried = calloc(1, sizeof(*tried));
	struct opener *opener;
	bool opens = false;
	const uint8_t *all = (const uint8_t *)ring;
	static const uint8_t zeros[32];
	CHECK(tried);
	for (size_t at = 0; !opens && at + 32 <= sizeof(*ring); at += 4) {
		if (memcmp(all + at, zeros, 32) == 0)
			continue;
		tried->epoch_count = 1;
		memcpy(tried->epochs[0].open_key, all + at, 32);
		memcpy(tried->epochs[0].seal_key, ring->epochs[0].seal_key, 32);
		opens = opener_new(bytes, len, tried, &opener, NULL) == 0;
		if (opens)
			opener_free(opener);
	}
	free(tried);
	return opens;
}

TEST(with_it_and_all_bytes_at_the_place_nothing_is_read)
{
	static const char *const folders[] = {"data", "meta", "index", "point", "head", "inbox"};
	struct fixture f;
	begin(&f, 3);
	struct repo *reader = rig_open(&f.rig, f.rig.secret);
	bring(&f, reader, "words of the reader");
	repo_close(reader);
	struct repo *writer = rig_open(&f.rig, f.writer);
	struct point point = bring(&f, writer, "words of the writer");
	/* Its own chunk it knows out of its memory; from the place it gets nothing. */
	client_free(writer->client);
	CHECK_EQ(client_new(&writer->client), 0);
	uint8_t *bytes;
	size_t len, seen = 0;
	CHECK_EQ(repo_chunk(writer, &point.root, CHUNK_LIST, &bytes, &len, &f.rig.why), -ENOENT);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		struct found found = list(&f, folders[i]);
		for (size_t j = 0; j < found.count; j++, seen++) {
			struct opener *opener;
			CHECK_EQ(place_get_whole(
					 f.rig.world.place, found.names[j], 1 << 24, &bytes, &len),
				0);
			CHECK_EQ(
				opener_new(bytes, len, writer->ring, &opener, &f.rig.why), -EACCES);
			CHECK(!opens_with_any(writer->ring, bytes, len));
			CHECK(!memmem(bytes, len, "words", 5));
			CHECK(!memmem(bytes, len, "secret-name", 11));
			free(bytes);
		}
	}
	CHECK(seen >= 9);
	struct object_id id = repo_key_id(writer) ? *repo_key_id(writer) : (struct object_id){{0}};
	struct unlock unlock = {.secret = f.rig.secret};
	CHECK_EQ(repo_key_rm(writer, &id, &f.rig.why), -EACCES);
	CHECK_EQ(repo_key_rotate(writer, &f.rig.why), -EACCES);
	CHECK_EQ(repo_key_add(writer, &(struct key_new){.type = SLOT_SECRET, .unlock = &unlock},
			 &id, &f.rig.why),
		-EACCES);
	repo_close(writer);
	end(&f);
}

/* ---- a run that is killed ---- */

/* What the machine of a writer keeps while a run is under way. */
struct desk {
	struct {
		uint8_t *bytes;
		size_t len;
	} notes[16];
	size_t count;
	uint64_t number;
};

static void keep_note(void *arg, const struct object_id *pack, const uint8_t *bytes, size_t len)
{
	struct desk *desk = arg;
	(void)pack;
	CHECK(desk->count < 16);
	desk->notes[desk->count].bytes = malloc(len);
	CHECK(desk->notes[desk->count].bytes);
	memcpy(desk->notes[desk->count].bytes, bytes, len);
	desk->notes[desk->count++].len = len;
}

static int raise_number(void *arg, uint64_t *number, struct why *why)
{
	struct desk *desk = arg;
	(void)why;
	if (*number <= desk->number)
		*number = desk->number + 1;
	desk->number = *number;
	return 0;
}

static void release_number(void *arg)
{
	(void)arg;
}

static struct repo *open_at_desk(struct fixture *f, struct desk *desk)
{
	const struct client_notes notes = {keep_note, raise_number, release_number, desk};
	struct repo *repo = rig_open(&f->rig, f->writer);
	size_t before = desk->count;
	repo_client_set_notes(repo, &notes);
	for (size_t i = 0; i < before; i++)
		CHECK_EQ(repo_client_take_note(
				 repo, desk->notes[i].bytes, desk->notes[i].len, &f->rig.why),
			0);
	return repo;
}

static void desk_done(struct desk *desk)
{
	for (size_t i = 0; i < desk->count; i++)
		free(desk->notes[i].bytes);
}

/* Some packs of content, and their list. */
static const struct rig_chunks much = {0, 100, 40000, 60000};

static struct point put_much(struct fixture *f, struct repo *repo)
{
	struct point point = {
		.source = POINT_DIR, .kind = POINT_FULL, .resource = "dir/secret-name"};
	CHECK_EQ(rig_put_list(repo, much, &point.root, &f->rig.why), 0);
	return point;
}

/* Chunks are in packs that its first run brought; the second one brings the rest, and word of all.
 */
TEST(a_killed_run_leaves_notes_and_little_is_sent_again)
{
	struct fixture f;
	struct desk desk = {0};
	begin(&f, test_seed());
	struct repo *repo = open_at_desk(&f, &desk);
	put_much(&f, repo);
	uint64_t sent = repo_written(repo).written_bytes;
	size_t packs = desk.count;
	CHECK(packs >= 3);
	repo_close(repo);
	repo = open_at_desk(&f, &desk);
	CHECK_EQ(repo_written(repo).adopted_packs, packs);
	struct point point = put_much(&f, repo);
	/* What waited in open packs was never sent. */
	CHECK(repo_written(repo).new_bytes < rig_options.pack_size + (1 << 20));
	CHECK_EQ(repo_commit(repo, &point, &f.rig.why), 0);
	CHECK(sent > 3 << 20);
	repo_close(repo);
	struct inbox_result result = adopt(&f);
	CHECK_EQ(result.adopted, 1);
	CHECK_EQ(result.packs, desk.count);
	CHECK_EQ(result.chunks, much.to - much.from + 1);
	end(&f);
	desk_done(&desk);
}

TEST(what_a_note_tells_of_is_taken_as_it_lies_at_the_place)
{
	struct fixture f;
	struct desk desk = {0};
	char name[OBJECT_NAME];
	begin(&f, test_seed());
	struct repo *repo = open_at_desk(&f, &desk);
	put_much(&f, repo);
	repo_close(repo);
	/* One is gone, of another all is there but its end. */
	struct found packs = list(&f, "data");
	CHECK(packs.count >= 3);
	CHECK_EQ(place_remove(f.rig.world.place, packs.names[0]), 0);
	uint8_t *bytes;
	size_t len;
	snprintf(name, sizeof(name), "%s", packs.names[1]);
	CHECK_EQ(place_get_whole(f.rig.world.place, name, 1 << 24, &bytes, &len), 0);
	CHECK_EQ(place_put(f.rig.world.place, name, bytes, len - 1, NULL), 0);
	free(bytes);
	repo = open_at_desk(&f, &desk);
	CHECK_EQ(repo_written(repo).adopted_packs, packs.count - 2);
	struct point point = put_much(&f, repo);
	CHECK_EQ(repo_commit(repo, &point, &f.rig.why), 0);
	repo_close(repo);
	CHECK_EQ(adopt(&f).adopted, 1);
	/* A note that was changed, or of another kind, is none. */
	repo = rig_open(&f.rig, f.writer);
	desk.notes[0].bytes[desk.notes[0].len / 2] ^= 1;
	CHECK_EQ(repo_client_take_note(repo, desk.notes[0].bytes, desk.notes[0].len, &f.rig.why),
		-EBADMSG);
	CHECK_STR(f.rig.why.text, "a note of this client is damaged or another's");
	CHECK_EQ(repo_client_save(repo, true, &bytes, &len), 0);
	CHECK_EQ(repo_client_take_note(repo, bytes, len, NULL), -EBADMSG);
	free(bytes);
	repo_close(repo);
	end(&f);
	desk_done(&desk);
}

static int collect(struct fixture *f, int64_t soak_ns)
{
	struct gc_options how = {.walk = walk, .soak_ns = soak_ns};
	struct gc_result result;
	struct repo *repo = rig_open(&f->rig, f->rig.secret);
	int err = repo_gc(repo, &how, &result, &f->rig.why);
	repo_close(repo);
	return err;
}

/* So long after its packs that a collection has done away with them. */
TEST(word_that_comes_after_a_collection_is_refused)
{
	struct fixture f;
	struct desk desk = {0};
	begin(&f, test_seed());
	struct repo *repo = open_at_desk(&f, &desk);
	struct point point = put_much(&f, repo);
	struct found packs = list(&f, "data");
	struct sim_disk *aside = sim_disk_new();
	struct place *kept;
	CHECK_EQ(place_dir_open(sim_disk_seam(aside), &kept), 0);
	for (size_t i = 0; i < packs.count; i++)
		copy_object(f.rig.world.place, kept, packs.names[i]);
	CHECK_EQ(collect(&f, 0), 0);
	f.rig.clock.now += 3600 * NS_PER_SEC;
	CHECK_EQ(collect(&f, 0), 0);
	CHECK_EQ(list(&f, "data").count, 0);
	/* As when the collection was ended before it removed what it calls dead. */
	for (size_t i = 0; i < packs.count; i++)
		copy_object(kept, f.rig.world.place, packs.names[i]);
	place_close(kept);
	sim_disk_free(aside);
	CHECK_EQ(repo_commit(repo, &point, &f.rig.why), 0);
	repo_close(repo);
	check_refused(&f, "a collection has removed it since it was brought");
	end(&f);
	desk_done(&desk);
}

/* Two runs at once on one machine: whoever leaves word later has the higher number. */
TEST(no_word_is_overtaken_by_another_run_of_its_key)
{
	struct fixture f;
	struct desk desk = {0};
	begin(&f, test_seed());
	struct repo *one = open_at_desk(&f, &desk), *two = open_at_desk(&f, &desk);
	f.rig.clock.now += 3600 * NS_PER_SEC;
	bring(&f, one, "first");
	/* The clock was set back. */
	f.rig.clock.now -= 1800 * NS_PER_SEC;
	CHECK_EQ(adopt(&f).adopted, 1);
	bring(&f, two, "second");
	CHECK_EQ(adopt(&f).adopted, 1);
	repo_close(one);
	repo_close(two);
	end(&f);
	desk_done(&desk);
}

TEST(a_key_that_was_taken_away_brings_nothing_more)
{
	struct fixture f;
	begin(&f, 4);
	struct repo *writer = rig_open(&f.rig, f.writer);
	struct repo *repo = rig_open(&f.rig, f.rig.secret);
	CHECK_EQ(repo_key_rm(repo, &f.writer_id, &f.rig.why), 0);
	repo_close(repo);
	bring(&f, writer, "late");
	repo_close(writer);
	check_refused(&f, "its key is none of this repository, or was taken away");
	end(&f);
}

TEST(nobody_brings_in_another_ones_name)
{
	struct fixture f;
	uint8_t other[SECRET_SIZE];
	begin(&f, 5);
	add_writer(&f, other);
	struct repo *writer = rig_open(&f.rig, other);
	/* A writer who says that he is the first one. */
	writer->own.key = f.writer_id;
	bring(&f, writer, "forged");
	repo_close(writer);
	check_refused(&f, "it is not signed by the key that it names");
	end(&f);
}

TEST(word_from_another_repository_and_old_word_are_refused)
{
	struct fixture f, other;
	begin(&f, 6);
	begin(&other, 7);
	struct repo *writer = rig_open(&other.rig, other.writer);
	bring(&other, writer, "foreign");
	repo_close(writer);
	struct found word = list(&other, "inbox");
	copy_object(other.rig.world.place, f.rig.world.place, word.names[0]);
	check_refused(&f, "it belongs to another repository");
	CHECK_EQ(place_remove(f.rig.world.place, word.names[0]), 0);
	/* Taken in, then laid there once more; then its point is removed, and it comes again. */
	word = list(&other, "inbox");
	copy_object(other.rig.world.place, f.rig.world.place, word.names[0]);
	CHECK_EQ(adopt(&other).adopted, 1);
	copy_object(f.rig.world.place, other.rig.world.place, word.names[0]);
	struct inbox_result result = adopt(&other);
	CHECK_EQ(result.adopted + result.refused, 0);
	CHECK_EQ(list(&other, "inbox").count, 0);
	struct repo *repo = rig_open(&other.rig, other.rig.secret);
	CHECK_EQ(repo_head(repo)->points.len, 1);
	struct point_change remove = {repo_head(repo)->points.at[0].id, POINT_REMOVE};
	CHECK_EQ(repo_change_points(repo, &remove, 1, &other.rig.why), 0);
	repo_close(repo);
	copy_object(f.rig.world.place, other.rig.world.place, word.names[0]);
	check_refused(&other, "it is old: a later one of its key was taken in");
	end(&f);
	end(&other);
}

/* A pack whose directory calls bad bytes by a good name: who has the id key can make one. */
static void poison(struct fixture *f, struct repo *writer, const char *good, const char *bad)
{
	struct pack_options how = {.kind = OBJECT_META,
		.repo = writer->id,
		.with = &writer->with,
		.parity_percent = 3};
	struct pack_writer *pack;
	struct pack_result result;
	struct digest digest;
	struct index_pack known = {.kind = OBJECT_META};
	uint8_t blob[64];
	char name[OBJECT_NAME];
	uint32_t number;
	size_t len;
	CHECK_EQ(digest_of(writer->digester, CHUNK_LIST, good, strlen(good), &digest), 0);
	CHECK_EQ(codec_pack(writer->codec, bad, strlen(bad), blob, &len), 0);
	CHECK_EQ(pack_writer_new(&how, &pack), 0);
	CHECK_EQ(pack_add(pack, &digest, CHUNK_LIST, blob, len), 0);
	CHECK_EQ(pack_seal(pack), 0);
	CHECK_EQ(pack_finish(pack, &result), 0);
	known.id = result.id;
	object_name(OBJECT_META, &known.id, name);
	CHECK_EQ(place_put(f->rig.world.place, name, result.bytes, result.len, &f->rig.why), 0);
	CHECK_EQ(index_add_pack(&writer->index, &known, &number), 0);
	CHECK_EQ(index_add(&writer->index, number, &result.entries[0]), 0);
	pack_writer_free(pack);
}

TEST(a_chunk_that_is_not_what_its_name_says_is_never_known)
{
	struct fixture f;
	begin(&f, 8);
	struct repo *writer = rig_open(&f.rig, f.writer);
	poison(&f, writer, "good", "evil");
	bring(&f, writer, "good");
	repo_close(writer);
	/* A full key that stores the same finds no twin in the pack at the place. */
	struct repo *repo = rig_open(&f.rig, f.rig.secret);
	struct point point = bring(&f, repo, "good");
	CHECK_EQ(repo_written(repo).new_chunks, 1);
	repo_close(repo);
	check_refused(&f, "chunk 1 is not what its name says");
	repo = rig_open(&f.rig, f.rig.secret);
	uint8_t *bytes;
	size_t len;
	CHECK_EQ(repo_chunk(repo, &point.root, CHUNK_LIST, &bytes, &len, &f.rig.why), 0);
	CHECK(memcmp(bytes, "good", 4) == 0);
	free(bytes);
	repo_close(repo);
	end(&f);
}

TEST(a_point_that_misses_something_or_was_exchanged_is_refused)
{
	struct fixture f;
	begin(&f, 9);
	struct repo *writer = rig_open(&f.rig, f.writer);
	struct point one = bring(&f, writer, "one");
	struct found word = list(&f, "inbox");
	struct point two = bring(&f, writer, "two");
	repo_close(writer);
	/* Another word than the first is of no use here. */
	struct found both = list(&f, "inbox");
	for (size_t i = 0; i < both.count; i++)
		if (strcmp(both.names[i], word.names[0]) != 0)
			CHECK_EQ(place_remove(f.rig.world.place, both.names[i]), 0);
	char from[OBJECT_NAME], to[OBJECT_NAME];
	uint8_t *bytes, *kept;
	size_t len, kept_len;
	object_name(OBJECT_POINT, &two.id, from);
	object_name(OBJECT_POINT, &one.id, to);
	CHECK_EQ(place_get_whole(f.rig.world.place, from, 1 << 20, &bytes, &len), 0);
	CHECK_EQ(place_get_whole(f.rig.world.place, to, 1 << 20, &kept, &kept_len), 0);
	CHECK_EQ(place_put(f.rig.world.place, to, bytes, len, NULL), 0);
	CHECK_EQ(adopt(&f).refused, 1);
	CHECK_EQ(place_put(f.rig.world.place, to, kept, kept_len, NULL), 0);
	free(bytes);
	free(kept);
	struct found packs = list(&f, "meta");
	for (size_t i = 0; i < packs.count; i++)
		CHECK_EQ(place_remove(f.rig.world.place, packs.names[i]), 0);
	check_refused(&f, "it is gone");
	end(&f);
}

/* An object of this writer's making over one that is there, under its name. */
static void put_over(struct fixture *f, struct repo *writer, enum object_kind kind,
	const struct object_id *id, const uint8_t *body, size_t len)
{
	struct object_header header = {.kind = kind, .id = *id};
	CHECK_EQ(repo_store(writer, &header, body, len, &f->rig.why), 0);
}

static void check_open_refused(struct fixture *f, const char *words)
{
	struct repo *repo;
	CHECK_EQ(repo_open(&f->rig.world, f->rig.secret, 0, &repo, &f->rig.why), -EBADMSG);
	if (!strstr(f->rig.why.text, words))
		test_fail(__FILE__, __LINE__, "told \"%s\", not \"%s\"", f->rig.why.text, words);
}

static const char not_named[] = "it is not the one that the head names";

/* Sealing takes a public key only: what is sealed well is not yet what the head meant. */
TEST(who_can_seal_and_write_over_objects_passes_nothing_off)
{
	struct fixture f;
	begin(&f, 11);
	struct repo *repo = rig_open(&f.rig, f.rig.secret);
	struct point point = bring(&f, repo, "true"), forged = point;
	struct object_id index = repo_head(repo)->indexes.at[0].id;
	OWN(own_free) uint8_t *body = NULL;
	OWN(own_free) uint8_t *bytes = NULL;
	size_t len;
	char name[OBJECT_NAME];
	repo_close(repo);
	struct repo *writer = rig_open(&f.rig, f.writer);
	snprintf(forged.resource, sizeof(forged.resource), "dir/another");
	CHECK_EQ(point_put(&forged, &body, &len), 0);
	put_over(&f, writer, OBJECT_POINT, &point.id, body, len);
	repo = rig_open(&f.rig, f.rig.secret);
	CHECK_EQ(repo_point(repo, &point.id, &forged, &f.rig.why), -EBADMSG);
	CHECK(strstr(f.rig.why.text, not_named));
	CHECK(strstr(f.rig.why.text, object_name(OBJECT_POINT, &point.id, name)));
	repo_close(repo);
	/* An index that knows nothing would make a collection remove all. */
	static const uint8_t nothing[1024] = {1};
	object_name(OBJECT_INDEX, &index, name);
	CHECK_EQ(place_get_whole(f.rig.world.place, name, 1 << 20, &bytes, &len), 0);
	put_over(&f, writer, OBJECT_INDEX, &index, nothing, sizeof(nothing));
	check_open_refused(&f, not_named);
	check_open_refused(&f, name);
	CHECK_EQ(place_put(f.rig.world.place, name, bytes, len, NULL), 0);
	repo_close(rig_open(&f.rig, f.rig.secret));
	repo_close(writer);
	end(&f);
}

TEST(rotation_reaches_writers)
{
	struct fixture f;
	begin(&f, 10);
	struct repo *repo = rig_open(&f.rig, f.rig.secret);
	CHECK_EQ(repo_key_rotate(repo, &f.rig.why), 0);
	repo_close(repo);
	struct repo *writer = rig_open(&f.rig, f.writer);
	CHECK_EQ(writer->with.epoch, 1);
	bring(&f, writer, "under new keys");
	repo_close(writer);
	CHECK_EQ(adopt(&f).adopted, 1);
	end(&f);
}

TEST_MAIN
