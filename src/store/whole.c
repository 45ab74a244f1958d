/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and reading whole files. */
#include "store/whole.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"
#include "store/replace.h"

static const char magic[] = "ebbwhole";

enum { AT_CONTENT_CHECKSUM = 48 };

static uint64_t content_checksum(const uint8_t head[HEAD_SIZE], const void *bytes, size_t len)
{
	return hash64(bytes, len, hash64(head, AT_CONTENT_CHECKSUM, 0));
}

static void put_head(const struct whole *content, uint8_t bytes[HEAD_SIZE])
{
	struct head head = {.magic = magic, .label = content->label, .first = content->len};
	file_head_put(&head, bytes);
	head.second = content_checksum(bytes, content->bytes, content->len);
	file_head_put(&head, bytes);
}

int whole_write(struct disk *disk, const char *name, const struct whole *content, struct why *why)
{
	uint8_t head[HEAD_SIZE];
	OWN(file_close_own) struct file *file = NULL;
	if (content->len > WHOLE_MAX)
		return why_set(why, -EFBIG, "%s: %zu bytes are more than the %d that fit", name,
			content->len, WHOLE_MAX);
	put_head(content, head);
	int err = replace_begin(disk, name, &file, why);
	if (err)
		return err;
	err = file_write_full(file, head, sizeof(head), 0);
	if (!err)
		err = file_write_full(file, content->bytes, content->len, sizeof(head));
	if (err) {
		replace_abandon(disk, name);
		return why_errno(why, err, "%s.new: cannot be written", name);
	}
	return replace_commit(disk, name, file, why);
}

/* The head, once the file's length and the limit allow the content that it tells of. */
static int read_head(struct file *file, const char *name, const struct head *want,
	uint8_t bytes[HEAD_SIZE], struct head *ret_head, struct why *why)
{
	uint64_t size = 0;
	struct head head;
	int err = file_size(file, &size);
	size_t len = size < HEAD_SIZE ? (size_t)size : HEAD_SIZE;
	if (!err)
		err = file_read_full(file, bytes, len, 0);
	if (err)
		return why_errno(why, err, "%s: cannot be read", name);
	err = file_head_get(want, name, bytes, len, &head, why);
	if (err)
		return err;
	if (head.first > WHOLE_MAX)
		return why_set(why, -EBADMSG,
			"%s: a length of %" PRIu64 " at offset 40 is more than %d", name,
			head.first, WHOLE_MAX);
	if (size != HEAD_SIZE + head.first)
		return why_set(why, -EBADMSG,
			"%s: damaged: %" PRIu64 " bytes instead of %" PRIu64
			": restore it from a copy",
			name, size, HEAD_SIZE + head.first);
	*ret_head = head;
	return 0;
}

static int read_content(struct file *file, const char *name, const struct label *want,
	struct whole *ret_content, struct why *why)
{
	uint8_t bytes[HEAD_SIZE];
	struct head head = {0};
	const struct head wanted = {.magic = magic, .label = *want};
	int err = read_head(file, name, &wanted, bytes, &head, why);
	if (err)
		return err;
	size_t len = (size_t)head.first;
	OWN(own_free) void *content = malloc(len ? len : 1);
	if (!content)
		return why_errno(why, -ENOMEM, "%s", name);
	err = file_read_full(file, content, len, HEAD_SIZE);
	if (err)
		return why_errno(why, err, "%s: cannot be read", name);
	if (head.second != content_checksum(bytes, content, len) && !planted(WHOLE_UNCHECKED))
		return why_set(why, -EBADMSG,
			"%s: damaged: wrong checksum of the content at offset %d: restore it from "
			"a copy",
			name, HEAD_SIZE);
	*ret_content = (struct whole){.label = head.label, .bytes = TAKE(content), .len = len};
	return 0;
}

int whole_read(struct disk *disk, const char *name, const struct label *want,
	struct whole *ret_content, struct why *why)
{
	OWN(file_close_own) struct file *file = NULL;
	int err = disk_open(disk, name, FILE_READ, &file);
	if (err)
		return why_errno(why, err, "%s: cannot be opened", name);
	return read_content(file, name, want, ret_content, why);
}

int whole_renew(struct disk *disk, const char *name, const struct label *want,
	struct whole *ret_content, struct why *why)
{
	OWN(file_close_own) struct file *file = NULL;
	OWN(whole_done) struct whole content = {0};
	int err = disk_open(disk, name, FILE_READ, &file);
	if (err)
		return why_errno(why, err, "%s: cannot be opened", name);
	err = read_content(file, name, want, &content, why);
	if (!err && !planted(WHOLE_NOT_RENEWED))
		err = replace_anew(disk, name, &file, HEAD_SIZE + content.len, why);
	if (err)
		return err;
	*ret_content = content;
	content = (struct whole){0};
	return 0;
}

void whole_done(struct whole *content)
{
	free(content->bytes);
	*content = (struct whole){0};
}
