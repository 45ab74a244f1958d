/* SPDX-License-Identifier: Apache-2.0 */
/* Journals: recovery, limits, rewriting; every flip, length and foreign record is found. */
#include "store/journal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "store/record.h"
#include "store/rig_test.h"

static const struct label label = {.kind = "test", .version = 3, .identity = "the first of all"};

static struct journal_options options_for(struct rig *rig)
{
	return (struct journal_options){
		.disk = rig->disk, .name = "log", .label = label, .create = true};
}

/* Opens with the usual options and gives what was read. */
static int open_log(struct rig *rig, struct list *ret_list, struct journal **ret, struct why *why)
{
	struct journal_options options = options_for(rig);
	struct list list = {0};
	int err = journal_open(&options, list_tell, &list, ret, why);
	if (err)
		list_done(&list);
	else
		*ret_list = list;
	return err;
}

static struct journal *must_open(struct rig *rig, struct list *ret_list)
{
	struct journal *journal;
	struct why why = {""};
	int err = open_log(rig, ret_list, &journal, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "journal_open: %d %s", err, why.text);
	return journal;
}

static struct journal *must_open_empty(struct rig *rig)
{
	struct list list;
	struct journal *journal = must_open(rig, &list);
	CHECK_EQ(list.told.len, 0);
	list_done(&list);
	return journal;
}

static void append(struct journal *journal, const char *text)
{
	CHECK_EQ(journal_append(journal, 7, text, strlen(text), NULL), 0);
}

static void append_synced(struct journal *journal, const char *text)
{
	append(journal, text);
	CHECK_EQ(journal_sync(journal, NULL), 0);
}

/* What opening now gives, as "1 2 3": the payloads, then closed again. */
static const char *show(struct rig *rig)
{
	static char text[400];
	struct list list;
	size_t len = 0;
	journal_close(must_open(rig, &list));
	text[0] = '\0';
	vec_each (told, &list.told)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", len ? " " : "",
			(int)told->bytes.len, (const char *)told->bytes.at);
	list_done(&list);
	return text;
}

/* The error and its text when it is opened now. */
static int refused(struct rig *rig, const char *text)
{
	struct journal *journal;
	struct list list;
	struct why why = {""};
	int err = open_log(rig, &list, &journal, &why);
	if (!err) {
		journal_close(journal);
		list_done(&list);
	}
	CHECK_STR(why.text, text);
	return err;
}

TEST(what_was_synced_is_read_back)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct journal *journal = must_open_empty(&rig);
	append(journal, "one");
	append(journal, "");
	append_synced(journal, "three");
	struct journal_facts facts = journal_facts(journal);
	CHECK_EQ(facts.sequence, 3);
	CHECK_EQ(facts.synced, 3);
	CHECK_EQ(facts.size, 64 + 48 + 40 + 48);
	CHECK_EQ(facts.generation, 1);
	journal_close(journal);

	OWN(list_done) struct list list = {0};
	journal = must_open(&rig, &list);
	CHECK_EQ(list.told.len, 3);
	CHECK_EQ(list.told.at[0].sequence, 1);
	CHECK_EQ(list.told.at[0].kind, 7);
	CHECK_EQ(list.told.at[1].bytes.len, 0);
	CHECK(memcmp(list.told.at[2].bytes.at, "three", 5) == 0);
	CHECK_EQ(journal_facts(journal).cut, 0);
	journal_close(journal);
}

static int fill_none(void *arg, struct journal *to, struct why *why)
{
	(void)arg;
	(void)to;
	(void)why;
	return 0;
}

/* Counts what changes the disk; fails or shortens what a test says. */
struct hook {
	unsigned changes, renames, folder_syncs;
	enum sim_op fail;
	int answer; /* to `fail`, 0: nothing fails */
};

static int on_op(void *arg, enum sim_op op, const char *name, bool done)
{
	struct hook *hook = arg;
	(void)name;
	if (done)
		return 0;
	hook->changes += op == SIM_WRITE || op == SIM_SYNC || op == SIM_TRUNCATE ||
		op == SIM_CREATE || op == SIM_RENAME || op == SIM_UNLINK;
	hook->renames += op == SIM_RENAME;
	hook->folder_syncs += op == SIM_SYNC_DIR && hook->renames;
	return op == hook->fail ? hook->answer : 0;
}

TEST(a_clean_start_writes_nothing)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct journal *journal = must_open_empty(&rig);
	append_synced(journal, "one");
	journal_close(journal);
	OWN(bytes_done) struct bytes before = rig_get(&rig, "log");
	CHECK_EQ(before.len, 64 + 48 + 40);
	struct hook hook = {0};
	sim_disk_set_hook(rig.sim, on_op, &hook);
	CHECK_STR(show(&rig), "one");
	CHECK_EQ(hook.changes, 0);

	OWN(list_done) struct list list = {0};
	journal = must_open(&rig, &list);
	CHECK_EQ(journal_rewrite(journal, fill_none, NULL, NULL), 0);
	journal_close(journal);
	hook.changes = 0;
	CHECK_STR(show(&rig), "");
	CHECK_EQ(hook.changes, 0);
}

TEST(what_was_not_synced_is_made_durable_when_it_is_read)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct journal *journal = must_open_empty(&rig);
	append_synced(journal, "one");
	append(journal, "two");
	CHECK_EQ(journal_facts(journal).synced, 1);
	journal_close(journal);
	CHECK_STR(show(&rig), "one"); /* it was only buffered */

	OWN(list_done) struct list list = {0};
	journal = must_open(&rig, &list);
	append(journal, "two");
	struct hook hook = {.fail = SIM_SYNC, .answer = -EIO};
	sim_disk_set_hook(rig.sim, on_op, &hook);
	struct why why;
	CHECK_EQ(journal_sync(journal, &why), -EIO);
	CHECK_STR(why.text, "log: sync failed: Input/output error");
	CHECK_EQ(journal_check(journal, NULL), -EIO);
	hook.answer = 0;
	unsigned changes = hook.changes;
	CHECK_EQ(journal_sync(journal, &why), -EIO);
	CHECK_STR(why.text, "log: sync failed: Input/output error");
	CHECK_EQ(journal_append(journal, 1, "x", 1, NULL), -EIO);
	CHECK_EQ(journal_rewrite(journal, NULL, NULL, NULL), -EIO);
	CHECK_EQ(hook.changes, changes);
	journal_close(journal);
	CHECK_STR(show(&rig), "one two");
	CHECK(hook.changes > changes);
}

TEST(a_name_whose_sync_failed_is_put_in_place_anew)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct hook hook = {.fail = SIM_SYNC_DIR, .answer = -EIO};
	sim_disk_set_hook(rig.sim, on_op, &hook);
	CHECK_EQ(refused(&rig, ".: sync of the folder failed: Input/output error"), -EIO);
	hook = (struct hook){0};
	CHECK_STR(show(&rig), "");
	CHECK_EQ(hook.renames, 1);
	CHECK_EQ(hook.folder_syncs, 1);
	hook = (struct hook){0};
	CHECK_STR(show(&rig), "");
	CHECK_EQ(hook.changes, 0);
}

/* The disk fills up behind the sync: the mark finds no room. */
static int full_after_sync(void *arg, enum sim_op op, const char *name, bool done)
{
	bool *synced = arg;
	(void)name;
	*synced |= op == SIM_SYNC && done;
	return !done && op == SIM_WRITE && *synced ? -ENOSPC : 0;
}

TEST(the_first_error_is_told_every_time)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct journal *journal = must_open_empty(&rig);
	const char *sentence = "log: stopped: its mark cannot be written: No space left on device";
	struct why why;
	bool synced = false;
	append(journal, "one");
	sim_disk_set_hook(rig.sim, full_after_sync, &synced);
	CHECK_EQ(journal_check(journal, NULL), 0);
	CHECK_EQ(journal_sync(journal, NULL), 0);
	CHECK_EQ(journal_check(journal, &why), -ENOSPC);
	CHECK_STR(why.text, sentence);
	sim_disk_set_hook(rig.sim, NULL, NULL);
	CHECK_EQ(journal_append(journal, 1, "x", 1, &why), -ENOSPC);
	CHECK_STR(why.text, sentence);
	CHECK_EQ(journal_rewrite(journal, fill_none, NULL, &why), -ENOSPC);
	CHECK_STR(why.text, sentence);
	CHECK_EQ(journal_sync(journal, &why), -ENOSPC);
	CHECK_STR(why.text, sentence);
	journal_close(journal);
	CHECK_STR(show(&rig), "one");
}

TEST(short_reads_and_writes_are_no_errors)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct hook hook = {.fail = SIM_WRITE, .answer = 7};
	sim_disk_set_hook(rig.sim, on_op, &hook);
	struct journal *journal = must_open_empty(&rig);
	append_synced(journal, "one record of some length");
	append(journal, "and another");
	CHECK_EQ(journal_sync(journal, NULL), 0);
	journal_close(journal);
	hook.fail = SIM_READ;
	CHECK_STR(show(&rig), "one record of some length and another");
}

TEST(a_missing_file_is_only_created_when_asked_for)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct journal_options options = options_for(&rig);
	struct journal *journal;
	struct list list = {0};
	struct why why;
	options.create = false;
	CHECK_EQ(journal_open(&options, list_tell, &list, &journal, &why), -ENOENT);
	CHECK_STR(why.text, "log: cannot be opened: No such file or directory");
}

TEST(two_cannot_have_it_open)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct journal *journal = must_open_empty(&rig);
	CHECK_EQ(refused(&rig, "log: in use by another process, which holds log.lock"),
		-EWOULDBLOCK);
	journal_close(journal);
	CHECK_STR(show(&rig), "");
}

TEST(limits_leave_it_as_it_was)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct journal_options options = options_for(&rig);
	options.size_max = 64 + 48 + 40;
	struct journal *journal;
	struct list list = {0};
	struct why why;
	CHECK_EQ(journal_open(&options, list_tell, &list, &journal, NULL), 0);
	static uint8_t long_one[JOURNAL_RECORD_MAX + 1];
	CHECK_EQ(journal_append(journal, 1, long_one, sizeof(long_one), &why), -EMSGSIZE);
	CHECK_STR(why.text, "log: a record of 1048577 bytes, the most is 1048576");
	CHECK_EQ(journal_append(journal, 1, "123456789", 9, &why), -ENOSPC);
	CHECK_STR(why.text, "log: full: 64 of 152 bytes");
	append_synced(journal, "12345678");
	CHECK_EQ(journal_append(journal, 1, "", 0, NULL), -ENOSPC);
	CHECK_EQ(journal_sync(journal, NULL), 0);
	journal_close(journal);
	CHECK_STR(show(&rig), "12345678");
}

TEST(a_full_disk_stops_it_and_loses_nothing)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct journal *journal = must_open_empty(&rig);
	append_synced(journal, "one");
	sim_disk_set_capacity(rig.sim, 4096);
	char much[8000] = "";
	CHECK_EQ(journal_append(journal, 1, much, sizeof(much), NULL), 0);
	struct why why;
	CHECK_EQ(journal_sync(journal, NULL), -ENOSPC);
	CHECK_EQ(journal_append(journal, 1, "x", 1, &why), -ENOSPC);
	CHECK_STR(why.text, "log: cannot be written: No space left on device");
	journal_close(journal);
	CHECK_EQ(refused(&rig, "log.new: cannot be created: No space left on device"), -ENOSPC);
	sim_disk_set_capacity(rig.sim, 0);
	CHECK_STR(show(&rig), "one");
}

TEST(records_of_every_length_come_back)
{
	OWN(rig_done) struct rig rig;
	OWN(list_done) struct list list = {0};
	rig_init(&rig);
	uint8_t *much = malloc(JOURNAL_RECORD_MAX);
	CHECK(much);
	rng_fill(&rig.rng, much, JOURNAL_RECORD_MAX);
	struct journal *journal = must_open_empty(&rig);
	size_t len = 0;
	for (size_t i = 0; i < 200; i++, len = i < 190 ? i : len * 2)
		CHECK_EQ(journal_append(journal, (uint16_t)(i + 1), much,
				 len < JOURNAL_RECORD_MAX ? len : JOURNAL_RECORD_MAX, NULL),
			0);
	CHECK_EQ(journal_sync(journal, NULL), 0);
	journal_close(journal);
	journal = must_open(&rig, &list);
	CHECK_EQ(list.told.len, 200);
	vec_each (told, &list.told)
		CHECK(memcmp(told->bytes.at, much, told->bytes.len) == 0);
	CHECK_EQ(list.told.at[77].bytes.len, 77);
	CHECK_EQ(list.told.at[199].bytes.len, 189 << 10);
	journal_close(journal);
	free(much);
}

static int fill_two(void *arg, struct journal *to, struct why *why)
{
	int *answer = arg;
	int err = journal_append(to, 8, "both", 4, why);
	return err ? err : *answer;
}

TEST(a_rewrite_replaces_all_and_counts_on)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	OWN(list_done) struct list list = {0};
	struct journal *journal = must_open_empty(&rig);
	append_synced(journal, "one");
	append(journal, "two");
	int answer = -ECANCELED;
	CHECK_EQ(journal_rewrite(journal, fill_two, &answer, NULL), -ECANCELED);
	CHECK_EQ(journal_sync(journal, NULL), 0);
	answer = 0;
	rig_put(&rig, "log.new",
		"what a crash had left there, longer than all of it .............."
		"..................................................",
		110);
	CHECK_EQ(journal_rewrite(journal, fill_two, &answer, NULL), 0);
	struct journal_facts facts = journal_facts(journal);
	CHECK_EQ(facts.generation, 2);
	CHECK_EQ(facts.sequence, 3);
	CHECK_EQ(facts.synced, 3);
	append_synced(journal, "four");
	CHECK_EQ(refused(&rig, "log: in use by another process, which holds log.lock"),
		-EWOULDBLOCK);
	journal_close(journal);
	journal = must_open(&rig, &list);
	CHECK_EQ(list.told.len, 2);
	CHECK_EQ(list.told.at[0].sequence, 3);
	CHECK_EQ(list.told.at[0].kind, 8);
	CHECK_EQ(list.told.at[1].sequence, 4);
	journal_close(journal);
}

TEST(a_rewrite_without_room_leaves_it_as_it_was)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct journal *journal = must_open_empty(&rig);
	append_synced(journal, "one");
	sim_disk_set_capacity(rig.sim, 512);
	int answer = 0;
	CHECK_EQ(journal_rewrite(journal, fill_two, &answer, NULL), -ENOSPC);
	sim_disk_set_capacity(rig.sim, 0);
	append_synced(journal, "two");
	journal_close(journal);
	CHECK_STR(show(&rig), "one two");
}

/* Three groups, the last of two records; `marked`: the file ends with the mark. */
static struct bytes some_log(struct rig *rig, bool marked, struct list *ret_list)
{
	struct journal *journal = must_open_empty(rig);
	append_synced(journal, "first");
	append_synced(journal, "second, a little longer");
	append(journal, "third");
	append_synced(journal, "fourth");
	journal_close(journal);
	*ret_list = (struct list){0};
	journal_close(must_open(rig, ret_list));
	struct bytes bytes = rig_get(rig, "log");
	if (!marked)
		bytes.len -= RECORD_HEAD;
	return bytes;
}

/* Opens these bytes: how many records of `all` come back, or the error; wrong ones fail. */
static int64_t open_bytes(struct rig *rig, struct bytes bytes, const struct list *all)
{
	OWN(list_done) struct list list = {0};
	struct journal *journal;
	rig_put(rig, "log", bytes.at, bytes.len);
	int err = open_log(rig, &list, &journal, NULL);
	if (err) {
		OWN(bytes_done) struct bytes after = rig_get(rig, "log");
		CHECK_EQ(after.len, bytes.len);
		CHECK(memcmp(after.at, bytes.at, bytes.len) == 0);
		return err;
	}
	journal_close(journal);
	CHECK(list_same(&list, all, list.told.len));
	return (int64_t)list.told.len;
}

TEST(every_flipped_bit_of_a_journal_at_rest_is_found)
{
	OWN(rig_done) struct rig rig;
	OWN(list_done) struct list all;
	rig_init(&rig);
	OWN(bytes_done) struct bytes bytes = some_log(&rig, true, &all);
	for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
		bytes.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
		int64_t got = open_bytes(&rig, bytes, &all);
		if (bit / 8 < HEAD_SIZE)
			CHECK(got == -EBADMSG);
		else
			CHECK_EQ(got, bit / 8 < bytes.len - RECORD_HEAD ? -EBADMSG : 4);
		bytes.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	test_note("%zu flips, all found", 8 * bytes.len);
}

TEST(every_changed_byte_without_a_mark_is_found_or_cuts_the_last_group)
{
	OWN(rig_done) struct rig rig;
	OWN(list_done) struct list all;
	rig_init(&rig);
	OWN(bytes_done) struct bytes bytes = some_log(&rig, false, &all);
	size_t third = bytes.len - 2 * 48, fourth = bytes.len - 48;
	for (size_t at = 0; at < bytes.len; at++)
		for (unsigned mask = 1; mask < 256; mask++) {
			bytes.at[at] ^= (uint8_t)mask;
			int64_t got = open_bytes(&rig, bytes, &all);
			CHECK_EQ(got, at < third ? -EBADMSG : at < fourth ? 2 : 3);
			bytes.at[at] ^= (uint8_t)mask;
		}
	test_note("%zu changes", 255 * bytes.len);
}

TEST(a_file_cut_at_any_length_gives_a_prefix)
{
	OWN(rig_done) struct rig rig;
	OWN(list_done) struct list all;
	rig_init(&rig);
	OWN(bytes_done) struct bytes bytes = some_log(&rig, true, &all);
	const size_t ends[] = {64 + 48, 64 + 48 + 64, 64 + 48 + 64 + 48, 64 + 48 + 64 + 96};
	for (size_t len = 0; len < bytes.len; len++) {
		int64_t want = len < HEAD_SIZE ? -EBADMSG : 0;
		for (size_t i = 0; i < 4; i++)
			want += len >= ends[i];
		CHECK_EQ(open_bytes(&rig, (struct bytes){bytes.at, len}, &all), want);
	}
}

TEST(garbage_behind_is_cut_off_for_ever)
{
	OWN(rig_done) struct rig rig;
	OWN(list_done) struct list all;
	rig_init(&rig);
	OWN(bytes_done) struct bytes bytes = some_log(&rig, true, &all);
	struct rng rng;
	uint8_t longer[2000];
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 2000; i++) {
		size_t keep = rng_below(&rng, 2) ? bytes.len : bytes.len - RECORD_HEAD;
		size_t garbage = 1 + rng_below(&rng, 1000);
		memcpy(longer, bytes.at, keep);
		rng_fill(&rng, longer + keep, garbage);
		CHECK_EQ(open_bytes(&rig, (struct bytes){longer, keep + garbage}, &all), 4);
		OWN(bytes_done) struct bytes after = rig_get(&rig, "log");
		CHECK_EQ(after.len, bytes.len);
		CHECK(memcmp(after.at, bytes.at, after.len) == 0);
	}
}

TEST(swapped_and_repeated_records_are_found)
{
	OWN(rig_done) struct rig rig;
	OWN(list_done) struct list all;
	rig_init(&rig);
	OWN(bytes_done) struct bytes bytes = some_log(&rig, true, &all);
	uint8_t *third = bytes.at + bytes.len - RECORD_HEAD - 96, *fourth = third + 48;
	uint8_t kept[96];
	memcpy(kept, third, 96);
	memcpy(third, kept + 48, 48);
	CHECK_EQ(open_bytes(&rig, bytes, &all), -EBADMSG);
	memcpy(fourth, kept, 48);
	CHECK_EQ(open_bytes(&rig, bytes, &all), -EBADMSG);
	memcpy(third, kept, 48);
	CHECK_EQ(open_bytes(&rig, bytes, &all), -EBADMSG);
	memcpy(fourth, kept + 48, 48);
	CHECK_EQ(open_bytes(&rig, bytes, &all), 4);
}

/* The bytes of a journal with that identity and those texts, after `rewrites` empty rewrites. */
static struct bytes other_log(const char *identity, const char *const texts[2], int rewrites)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct journal_options options = options_for(&rig);
	memcpy(options.label.identity, identity, IDENTITY_SIZE);
	struct journal *journal;
	struct list list = {0};
	CHECK_EQ(journal_open(&options, list_tell, &list, &journal, NULL), 0);
	for (int i = 0; i < rewrites; i++)
		CHECK_EQ(journal_rewrite(journal, fill_none, NULL, NULL), 0);
	append_synced(journal, texts[0]);
	append_synced(journal, texts[1]);
	journal_close(journal);
	return rig_get(&rig, "log");
}

static const char *const texts[2] = {"alpha", "beta"};

/* Puts the second record of `other` into a journal of our own. */
static int64_t splice(struct bytes other)
{
	OWN(rig_done) struct rig rig;
	OWN(list_done) struct list all = {0};
	rig_init(&rig);
	OWN(bytes_done) struct bytes ours = other_log("the first of all", texts, 0);
	CHECK_EQ(ours.len, other.len);
	rig_put(&rig, "log", ours.at, ours.len);
	journal_close(must_open(&rig, &all));
	memcpy(ours.at + 64 + 48, other.at + 64 + 48, 48 + RECORD_HEAD);
	return open_bytes(&rig, ours, &all);
}

TEST(records_from_elsewhere_are_found)
{
	const char *const others[2] = {"other", "beta"};
	OWN(bytes_done) struct bytes same = other_log("the first of all", texts, 0);
	OWN(bytes_done) struct bytes history = other_log("the first of all", others, 0);
	OWN(bytes_done) struct bytes later = other_log("the first of all", texts, 1);
	CHECK_EQ(splice(same), 2);
	CHECK_EQ(splice(history), -EBADMSG); /* the same place, but after another record */
	/* Of another generation, or from another journal, they are nothing but garbage. */
	CHECK_EQ(splice(later), 1);
	OWN(bytes_done) struct bytes foreign = other_log("another identity", texts, 0);
	CHECK_EQ(splice(foreign), 1);
}

TEST(an_older_copy_of_the_file_gives_what_it_held)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct journal *journal = must_open_empty(&rig);
	append_synced(journal, "one");
	OWN(bytes_done) struct bytes old = rig_get(&rig, "log");
	append_synced(journal, "two");
	journal_close(journal);
	rig_put(&rig, "log", old.at, old.len);
	CHECK_STR(show(&rig), "one");
}

/* A head with one field changed and its checksum made right again. */
static void put_head(struct rig *rig, size_t at, uint8_t value)
{
	OWN(bytes_done) struct bytes bytes = rig_get(rig, "log");
	uint8_t head[HEAD_SIZE];
	memcpy(head, bytes.at, HEAD_SIZE);
	bytes.at[at] = value;
	put_le64(bytes.at + 56, hash64(bytes.at, 56, 0));
	rig_put(rig, "log", bytes.at, bytes.len);
}

TEST(foreign_newer_and_damaged_heads_are_refused_clearly)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	journal_close(must_open_empty(&rig));
	put_head(&rig, 8, 2);
	CHECK_EQ(refused(&rig,
			 "log: layout version 2, this program knows 1: written by a newer "
			 "ebb, use that one"),
		-ENOTSUP);
	put_head(&rig, 8, 1);
	put_head(&rig, 16, 4);
	CHECK_EQ(refused(&rig,
			 "log: content version 4, this program knows 3: written by a newer "
			 "ebb, use that one"),
		-ENOTSUP);
	put_head(&rig, 16, 3);
	put_head(&rig, 20, 1);
	CHECK_EQ(refused(&rig,
			 "log: capabilities 1, this program knows 0: written by a newer "
			 "ebb, use that one"),
		-ENOTSUP);
	put_head(&rig, 20, 0);
	put_head(&rig, 12, 'r');
	CHECK_EQ(refused(&rig,
			 "log: holds 72657374, not \"test\": another file was put in its "
			 "place"),
		-EBADMSG);
	put_head(&rig, 12, 't');
	put_head(&rig, 24, 'T');
	CHECK_EQ(refused(&rig, "log: belongs to another (identity at offset 24): put back its own"),
		-EBADMSG);
	rig_put(&rig, "log", "ebbjourn", 8);
	CHECK_EQ(refused(&rig, "log: 8 bytes, shorter than its head: restore it from a copy"),
		-EBADMSG);
	rig_put(&rig, "log", "", 0);
	CHECK_EQ(refused(&rig, "log: 0 bytes, shorter than its head: restore it from a copy"),
		-EBADMSG);
}

TEST(older_content_is_read_and_a_rewrite_makes_it_new)
{
	OWN(rig_done) struct rig rig;
	OWN(list_done) struct list list = {0};
	rig_init(&rig);
	struct journal_options options = options_for(&rig);
	struct journal *journal;
	options.label.version = 2;
	CHECK_EQ(journal_open(&options, list_tell, &list, &journal, NULL), 0);
	append_synced(journal, "old");
	journal_close(journal);
	journal = must_open(&rig, &list);
	CHECK_EQ(list.told.len, 1);
	CHECK_EQ(journal_facts(journal).version, 2);
	CHECK_EQ(journal_rewrite(journal, fill_none, NULL, NULL), 0);
	CHECK_EQ(journal_facts(journal).version, 3);
	journal_close(journal);
	struct list none = {0};
	struct why why;
	CHECK_EQ(journal_open(&options, list_tell, &none, &journal, &why), -ENOTSUP);
	CHECK_STR(why.text,
		"log: content version 3, this program knows 2: written by a newer ebb, "
		"use that one");
}

TEST(damage_is_told_with_its_place)
{
	OWN(rig_done) struct rig rig;
	OWN(list_done) struct list all;
	rig_init(&rig);
	struct bytes bytes = some_log(&rig, true, &all);
	bytes_done(&bytes);
	CHECK_EQ(sim_disk_flip(rig.sim, "log", 64 + 48 + 50, 1), 0);
	CHECK_EQ(refused(&rig,
			 "log: damaged: record 2 at offset 112 had been durable and is not "
			 "whole any more: restore the file from a copy"),
		-EBADMSG);
	CHECK_EQ(sim_disk_flip(rig.sim, "log", 64 + 48 + 50, 1), 0);
	CHECK_EQ(sim_disk_flip(rig.sim, "log", 0, 1), 0);
	CHECK_EQ(refused(&rig, "log: does not begin with \"ebbjourn\": not a file of ebb"),
		-EBADMSG);
	CHECK_EQ(sim_disk_flip(rig.sim, "log", 0, 1), 0);
	CHECK_EQ(sim_disk_flip(rig.sim, "log", 60, 1), 0);
	CHECK_EQ(refused(&rig,
			 "log: damaged: wrong checksum of the head at offset 0: restore it "
			 "from a copy"),
		-EBADMSG);
}

TEST_MAIN
