/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a journal's file. The first byte says what is made right in the rest, so that
 * mutations get past the checksums: 1 the head, 2 the checksums of what stands where records would,
 * 4 their chain and sequence too. Whatever opening answers must be the truth: damage changes
 * nothing, and what was read once is read again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/why.h"
#include "os/disk.h"
#include "sim/disk.h"
#include "store/journal.h"
#include "store/record.h"

static const struct label label = {.kind = "fuzz", .version = 1, .identity = "the first of all"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fix_head(uint8_t *bytes)
{
	struct head head = {.magic = "ebbjourn",
		.label = label,
		.first = get_le64(bytes + 40),
		.second = get_le64(bytes + 48)};
	file_head_put(&head, bytes);
}

static void fix_records(uint8_t *bytes, size_t len, bool order)
{
	uint64_t seed = record_seed(bytes + 24, get_le64(bytes + 40));
	uint64_t sequence = get_le64(bytes + 48), chain = get_le64(bytes + 56);
	size_t at = HEAD_SIZE;
	while (len - at >= RECORD_HEAD && sequence < UINT64_MAX) {
		struct record record;
		uint8_t *here = bytes + at;
		put_le32(here + 32, get_le32(here + 32) % 256);
		put_le16(here + 38, 0);
		bool mark = get_le16(here + 36) == RECORD_MARK;
		if (order) {
			put_le64(here + 8, chain);
			put_le64(here + 16, sequence + !mark);
			put_le64(here + 24, mark ? sequence : get_le64(here + 24) % (sequence + 1));
		}
		if (!record_head(here, &record) || record_size(record.len) > len - at)
			return;
		uint8_t place[8];
		size_t size = record_size(record.len);
		put_le64(place, at);
		chain = hash64(here + 8, size - 8, hash64(place, sizeof(place), seed));
		put_le64(here, chain);
		sequence = record.sequence;
		at += size;
	}
}

struct seen {
	uint64_t records, hash;
};

static int tell(void *arg, const struct journal_record *record, struct why *why)
{
	struct seen *seen = arg;
	(void)why;
	seen->records++;
	seen->hash = hash_fold(seen->hash, record->sequence);
	seen->hash = hash_fold(seen->hash, hash64(record->bytes, record->len, record->kind));
	return 0;
}

static int open_log(struct disk *disk, struct seen *ret_seen, struct journal **ret_journal)
{
	struct journal_options options = {.disk = disk, .name = "log", .label = label};
	struct why why = {""};
	*ret_seen = (struct seen){0};
	int err = journal_open(&options, tell, ret_seen, ret_journal, &why);
	must(err == 0 || why.text[0]);
	return err;
}

static void open_twice(struct disk *disk)
{
	struct journal *journal;
	struct seen first, second;
	if (open_log(disk, &first, &journal))
		return;
	struct journal_facts before = journal_facts(journal);
	must(journal_append(journal, 1, "more", 4, NULL) == 0);
	must(journal_sync(journal, NULL) == 0);
	journal_close(journal);
	must(open_log(disk, &second, &journal) == 0);
	must(second.records == first.records + 1);
	must(journal_facts(journal).sequence == before.sequence + 1);
	must(journal_facts(journal).cut == 0);
	journal_close(journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1 || len > 1 << 16)
		return 0;
	unsigned fix = data[0];
	uint8_t *bytes = malloc(len);
	struct sim_disk *sim = sim_disk_new();
	struct file *file;
	must(bytes && sim);
	memcpy(bytes, data + 1, --len);
	if ((fix & 1) && len >= HEAD_SIZE)
		fix_head(bytes);
	if ((fix & 6) && len >= HEAD_SIZE)
		fix_records(bytes, len, fix & 4);
	struct disk *disk = sim_disk_seam(sim);
	must(disk_open(disk, "log", FILE_READ | FILE_WRITE | FILE_CREATE, &file) == 0);
	must(file_write_full(file, bytes, len, 0) == 0);
	open_twice(disk);
	file_close(file);
	sim_disk_free(sim);
	free(bytes);
	return 0;
}
