/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a whole file. The first byte says what is made right in the rest: 1 the head, with
 * what it says of the content too; 2 the same but for the length.
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
#include "store/whole.h"

static const struct label label = {.kind = "fuzz", .version = 1, .identity = "the first of all"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fix_head(uint8_t *bytes, size_t len, bool length)
{
	struct head head = {.magic = "ebbwhole",
		.label = label,
		.first = length ? len - HEAD_SIZE : get_le64(bytes + 40)};
	file_head_put(&head, bytes);
	head.second = hash64(bytes + HEAD_SIZE, len - HEAD_SIZE, hash64(bytes, 48, 0));
	file_head_put(&head, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1 || len > 1 << 16)
		return 0;
	unsigned fix = data[0];
	uint8_t *bytes = malloc(len);
	struct sim_disk *sim = sim_disk_new();
	struct whole content;
	struct file *file;
	struct why why = {""};
	must(bytes && sim);
	memcpy(bytes, data + 1, --len);
	if ((fix & 3) && len >= HEAD_SIZE)
		fix_head(bytes, len, fix & 1);
	struct disk *disk = sim_disk_seam(sim);
	must(disk_open(disk, "file", FILE_READ | FILE_WRITE | FILE_CREATE, &file) == 0);
	must(file_write_full(file, bytes, len, 0) == 0);
	int err = whole_read(disk, "file", &label, &content, &why);
	if (err) {
		must(why.text[0] && !((fix & 1) && len >= HEAD_SIZE));
	} else {
		must(content.len == len - HEAD_SIZE);
		must(memcmp(content.bytes, bytes + HEAD_SIZE, content.len) == 0);
		whole_done(&content);
	}
	file_close(file);
	sim_disk_free(sim);
	free(bytes);
	return 0;
}
