/* SPDX-License-Identifier: Apache-2.0 */
/* The promises of a disk kept by the simulated one, and whole reads and writes over short ones. */
#include "os/disk.h"

#include "os/disk_contract_test.h"
#include "sim/disk.h"

static struct sim_disk *sim;

static struct disk *disk_begin(void)
{
	sim = sim_disk_new();
	CHECK(sim);
	return sim_disk_seam(sim);
}

static void disk_end(void)
{
	sim_disk_free(sim);
}

/* A file of 100 bytes that moves 7 of them at a time and fails when told to. */
struct stingy {
	struct file base;
	char bytes[100];
	int calls, fail_at;
	ssize_t fail_with;
};

static ssize_t stingy_step(struct stingy *file, size_t len, uint64_t at)
{
	if (++file->calls == file->fail_at)
		return file->fail_with;
	size_t left = at < sizeof(file->bytes) ? sizeof(file->bytes) - at : 0;
	size_t n = len < 7 ? len : 7;
	return (ssize_t)(n < left ? n : left);
}

static ssize_t stingy_read(struct file *file, void *bytes, size_t len, uint64_t at)
{
	struct stingy *mine = (struct stingy *)(void *)file;
	ssize_t n = stingy_step(mine, len, at);
	if (n > 0)
		memcpy(bytes, mine->bytes + at, (size_t)n);
	return n;
}

static ssize_t stingy_write(struct file *file, const void *bytes, size_t len, uint64_t at)
{
	struct stingy *mine = (struct stingy *)(void *)file;
	ssize_t n = stingy_step(mine, len, at);
	if (n > 0)
		memcpy(mine->bytes + at, bytes, (size_t)n);
	return n;
}

static const struct file_ops stingy_ops = {.read_at = stingy_read, .write_at = stingy_write};

TEST(whole_reads_and_writes_go_on_after_short_ones)
{
	struct stingy file = {.base.ops = &stingy_ops};
	char text[60], back[60];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('0' + i);
	CHECK_EQ(file_write_full(&file.base, text, sizeof(text), 31), 0);
	CHECK_EQ(file_read_full(&file.base, back, sizeof(back), 31), 0);
	CHECK(memcmp(text, back, sizeof(text)) == 0);
	CHECK_EQ(file.calls, 18);
	CHECK_EQ(file_read_full(&file.base, back, sizeof(back), 41), -ENODATA);
	CHECK_EQ(file_write_full(&file.base, back, sizeof(back), 41), -EIO);
}

TEST(whole_reads_and_writes_end_at_the_first_error)
{
	char text[60] = {0};
	struct stingy file = {.base.ops = &stingy_ops, .fail_at = 3, .fail_with = -ENOSPC};
	CHECK_EQ(file_write_full(&file.base, text, sizeof(text), 0), -ENOSPC);
	CHECK_EQ(file.calls, 3);
	file.calls = 0;
	CHECK_EQ(file_read_full(&file.base, text, sizeof(text), 0), -ENOSPC);
	CHECK_EQ(file.calls, 3);
}

TEST_MAIN
