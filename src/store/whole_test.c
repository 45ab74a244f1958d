/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: replaced, refused, limited; every changed byte and other length is found. */
#include "store/whole.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "store/rig_test.h"

static const struct label label = {.kind = "test", .version = 2, .identity = "the first of all"};

static int put(struct rig *rig, const char *text, struct why *why)
{
	struct bytes copy = {(uint8_t *)strdup(text), strlen(text)};
	struct whole content = {.label = label, .bytes = copy.at, .len = copy.len};
	int err = whole_write(rig->disk, "file", &content, why);
	bytes_done(&copy);
	return err;
}

/* What it holds now; the error's text when it is refused. */
static const char *show(struct rig *rig, const struct label *want)
{
	static char text[400];
	struct whole content;
	struct why why;
	if (whole_read(rig->disk, "file", want, &content, &why)) {
		snprintf(text, sizeof(text), "%s", why.text);
		return text;
	}
	snprintf(text, sizeof(text), "%.*s", (int)content.len, (const char *)content.bytes);
	whole_done(&content);
	return text;
}

TEST(what_was_written_is_read)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	CHECK_STR(show(&rig, &label), "file: cannot be opened: No such file or directory");
	CHECK_EQ(put(&rig, "something", NULL), 0);
	CHECK_STR(show(&rig, &label), "something");
	CHECK_EQ(put(&rig, "", NULL), 0);
	CHECK_STR(show(&rig, &label), "");
	rig_put(&rig, "file.new", "what a crash had left, longer than the new one ...............",
		60);
	CHECK_EQ(put(&rig, "x", NULL), 0);
	CHECK_STR(show(&rig, &label), "x");
}

/* Notes renames, and syncs of the folder after one. */
static int on_op(void *arg, enum sim_op op, const char *name, bool done)
{
	unsigned *counts = arg;
	(void)name;
	counts[0] += op == SIM_RENAME && !done;
	counts[1] += op == SIM_SYNC_DIR && !done && counts[0];
	return 0;
}

TEST(a_renewed_one_is_the_same_file_put_in_place_anew)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct whole content;
	struct why why;
	struct label newer = {.kind = "test", .version = 3, .identity = "the first of all"};
	unsigned counts[2] = {0};
	CHECK_EQ(whole_renew(rig.disk, "file", &label, &content, &why), -ENOENT);
	CHECK_EQ(put(&rig, "something", NULL), 0);
	OWN(bytes_done) struct bytes before = rig_get(&rig, "file");
	sim_disk_set_hook(rig.sim, on_op, counts);
	CHECK_EQ(whole_renew(rig.disk, "file", &newer, &content, NULL), 0);
	CHECK_EQ(content.label.version, 2);
	CHECK_EQ(content.len, 9);
	CHECK(memcmp(content.bytes, "something", 9) == 0);
	whole_done(&content);
	CHECK_EQ(counts[0], 1);
	CHECK_EQ(counts[1], 1);
	OWN(bytes_done) struct bytes after = rig_get(&rig, "file");
	CHECK_EQ(after.len, before.len);
	CHECK(memcmp(after.at, before.at, after.len) == 0);
	CHECK_EQ(sim_disk_flip(rig.sim, "file", 70, 1), 0);
	CHECK_EQ(whole_renew(rig.disk, "file", &label, &content, &why), -EBADMSG);
	CHECK_EQ(counts[0], 1);
}

TEST(it_lies_in_folders_too)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	CHECK_EQ(disk_mkdir(rig.disk, "a"), 0);
	CHECK_EQ(disk_sync_dir(rig.disk, "."), 0);
	struct whole content = {.label = label};
	CHECK_EQ(whole_write(rig.disk, "a/file", &content, NULL), 0);
	OWN(sim_disk_free_own) struct sim_disk *after = sim_disk_new();
	CHECK_EQ(sim_disk_crash(rig.sim, rig_as_durable, NULL, after), 0);
	CHECK_EQ(whole_read(sim_disk_seam(after), "a/file", &label, &content, NULL), 0);
	whole_done(&content);
}

TEST(anybodys_identity_can_be_asked_for)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	CHECK_EQ(put(&rig, "who", NULL), 0);
	struct label anybody = label;
	memset(anybody.identity, 0, sizeof(anybody.identity));
	struct whole content;
	CHECK_EQ(whole_read(rig.disk, "file", &anybody, &content, NULL), 0);
	CHECK(memcmp(content.label.identity, label.identity, IDENTITY_SIZE) == 0);
	whole_done(&content);
}

TEST(every_changed_byte_is_found)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	CHECK_EQ(put(&rig, "the content of a whole file", NULL), 0);
	OWN(bytes_done) struct bytes bytes = rig_get(&rig, "file");
	CHECK_EQ(bytes.len, 64 + 27);
	for (size_t at = 0; at < bytes.len; at++)
		for (unsigned mask = 1; mask < 256; mask++) {
			struct whole content;
			CHECK_EQ(sim_disk_flip(rig.sim, "file", at, (uint8_t)mask), 0);
			CHECK_EQ(whole_read(rig.disk, "file", &label, &content, NULL), -EBADMSG);
			CHECK_EQ(sim_disk_flip(rig.sim, "file", at, (uint8_t)mask), 0);
		}
	CHECK_STR(show(&rig, &label), "the content of a whole file");
	test_note("%zu changes, all found", 255 * bytes.len);
}

TEST(every_other_length_is_found)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	CHECK_EQ(put(&rig, "the content of a whole file", NULL), 0);
	OWN(bytes_done) struct bytes bytes = rig_get(&rig, "file");
	uint8_t longer[200] = {0};
	memcpy(longer, bytes.at, bytes.len);
	for (size_t len = 0; len < sizeof(longer); len++) {
		struct whole content;
		if (len == bytes.len)
			continue;
		rig_put(&rig, "file", longer, len);
		CHECK_EQ(whole_read(rig.disk, "file", &label, &content, NULL), -EBADMSG);
	}
	CHECK_STR(show(&rig, &label),
		"file: damaged: 199 bytes instead of 91: restore it from a copy");
}

TEST(foreign_and_newer_files_are_refused_clearly)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	CHECK_EQ(put(&rig, "content", NULL), 0);
	struct label want = label;
	want.version = 1;
	CHECK_STR(show(&rig, &want),
		"file: content version 2, this program knows 1: written by a "
		"newer ebb, use that one");
	want = label;
	want.identity[0] = 'T';
	CHECK_STR(show(&rig, &want),
		"file: belongs to another (identity at offset 24): put back its own");
	want = label;
	want.kind[3] = 'x';
	CHECK_STR(show(&rig, &want),
		"file: holds 74657374, not \"tesx\": another file was put in its place");
	CHECK_EQ(sim_disk_flip(rig.sim, "file", 64, 1), 0);
	CHECK_STR(show(&rig, &label),
		"file: damaged: wrong checksum of the content at offset 64: "
		"restore it from a copy");
}

TEST(lengths_beyond_the_limit_take_no_memory)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	CHECK_EQ(put(&rig, "content", NULL), 0);
	OWN(bytes_done) struct bytes bytes = rig_get(&rig, "file");
	put_le64(bytes.at + 40, UINT64_MAX - 10);
	put_le64(bytes.at + 56, hash64(bytes.at, 56, 0));
	rig_put(&rig, "file", bytes.at, bytes.len);
	CHECK_STR(show(&rig, &label),
		"file: a length of 18446744073709551605 at offset 40 is more than 16777216");
	struct whole content = {.label = label, .len = WHOLE_MAX + 1};
	struct why why;
	CHECK_EQ(whole_write(rig.disk, "file", &content, &why), -EFBIG);
	CHECK_STR(why.text, "file: 16777217 bytes are more than the 16777216 that fit");
}

TEST(a_full_disk_leaves_the_old_content)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct why why;
	CHECK_EQ(put(&rig, "old", NULL), 0);
	sim_disk_set_capacity(rig.sim, 512);
	CHECK(put(&rig, "new", &why) == -ENOSPC);
	CHECK_STR(show(&rig, &label), "old");
}

TEST_MAIN
