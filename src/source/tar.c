/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of 512 bytes: a header, then the content, filled up. Two blocks of zeros end it. */
#include "source/tar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/container.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"

enum { BLOCK = 512 };

/* POSIX.1-2017, pax, "ustar Interchange Format". */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type,
		target[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

static ssize_t read_content(struct file *file, void *bytes, size_t len, uint64_t at)
{
	struct tar *tar = container_of(file, struct tar, content);
	if (at != tar->at)
		return -ESPIPE;
	if (len > tar->left)
		len = (size_t)tar->left;
	if (!len)
		return 0;
	ssize_t n = tar->read(tar->arg, bytes, len, tar->why);
	if (n <= 0)
		return tar->err = n ? (int)n : -EBADMSG;
	tar->left -= (uint64_t)n;
	tar->at += (uint64_t)n;
	return n;
}

static int no_size(struct file *file, uint64_t *ret_size)
{
	(void)file;
	(void)ret_size;
	return -ESPIPE;
}

void tar_init(struct tar *tar, tar_read_fn *read, void *arg, struct why *why)
{
	static const struct file_ops ops = {.read_at = read_content, .size = no_size};
	*tar = (struct tar){.content.ops = &ops, .read = read, .arg = arg, .why = why};
}

/* All of `len` bytes. -ENODATA: the archive ends before. */
static int read_full(struct tar *tar, uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t n = tar->read(tar->arg, bytes, len, tar->why);
		if (n <= 0)
			return n ? (int)n : -ENODATA;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int skip(struct tar *tar)
{
	uint8_t waste[4096];
	uint64_t left = tar->left + tar->padding;
	while (left) {
		size_t n = left < sizeof(waste) ? (size_t)left : sizeof(waste);
		int err = read_full(tar, waste, n);
		if (err)
			return err;
		left -= n;
	}
	tar->left = tar->padding = 0;
	return 0;
}

/* Octal digits, or with the first bit set a number of the other bytes. */
static bool get_number(const char *field, size_t len, uint64_t *ret_value)
{
	const uint8_t *bytes = (const uint8_t *)field;
	uint64_t value = 0;
	if (bytes[0] & 0x80) {
		for (size_t i = 1; i < len; i++) {
			if (value >> 55)
				return false;
			value = value << 8 | bytes[i];
		}
		*ret_value = value;
		return true;
	}
	for (size_t i = 0; i < len && field[i] && field[i] != ' '; i++) {
		if (field[i] < '0' || field[i] > '7' || value >> 60)
			return false;
		value = value << 3 | (uint64_t)(field[i] - '0');
	}
	*ret_value = value;
	return true;
}

static bool checksum_holds(const struct header *header)
{
	const uint8_t *bytes = (const uint8_t *)header;
	uint64_t want, sum = 0;
	size_t from = offsetof(struct header, checksum);
	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= from && i < from + sizeof(header->checksum) ? ' ' : bytes[i];
	return get_number(header->checksum, sizeof(header->checksum), &want) && want == sum;
}

static bool get_meta(const struct header *header, struct files_meta *meta)
{
	uint64_t mode, uid, gid, mtime, size;
	if (!get_number(header->mode, sizeof(header->mode), &mode) ||
		!get_number(header->uid, sizeof(header->uid), &uid) ||
		!get_number(header->gid, sizeof(header->gid), &gid) ||
		!get_number(header->mtime, sizeof(header->mtime), &mtime) ||
		!get_number(header->size, sizeof(header->size), &size) || size > INT64_MAX ||
		mtime > INT64_MAX / NS_PER_SEC || uid > UINT32_MAX || gid > UINT32_MAX)
		return false;
	*meta = (struct files_meta){
		.type = header->type == '5'   ? FILES_FOLDER
			: header->type == '2' ? FILES_SYMLINK
					      : FILES_FILE,
		.mode = (uint32_t)(mode & 07777),
		.uid = (uint32_t)uid,
		.gid = (uint32_t)gid,
		.mtime_ns = (int64_t)mtime * NS_PER_SEC,
		.size = size,
		.links = 1,
	};
	return header->type == '0' || header->type == '\0' || header->type == '2' ||
		header->type == '5';
}

/* A path beneath where it is put: no component of it goes up, none is empty. */
static bool path_ok(const char *path)
{
	for (const char *at = path;; at++) {
		size_t len = strcspn(at, "/");
		if (!len || len > FILES_NAME_MAX || (len == 1 && at[0] == '.') ||
			(len == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		at += len;
		if (!*at)
			return true;
	}
}

static bool get_name(const struct header *header, struct tar_entry *entry)
{
	snprintf(entry->name, sizeof(entry->name), "%.*s%s%.*s", (int)sizeof(header->prefix),
		header->prefix, header->prefix[0] ? "/" : "", (int)sizeof(header->name),
		header->name);
	/* The server has one entry with it: ./pg_wal/archive_status */
	if (str_starts(entry->name, "./"))
		memmove(entry->name, entry->name + 2, strlen(entry->name + 2) + 1);
	size_t len = strlen(entry->name);
	while (len && entry->name[len - 1] == '/')
		entry->name[--len] = '\0';
	snprintf(entry->target, sizeof(entry->target), "%.*s", (int)sizeof(header->target),
		header->target);
	return path_ok(entry->name);
}

int tar_next(struct tar *tar, struct tar_entry *ret_entry)
{
	static const struct header zeros;
	struct header header;
	struct tar_entry entry = {0};
	int err = skip(tar);
	if (!err)
		err = read_full(tar, (uint8_t *)&header, sizeof(header));
	if (err == -ENODATA)
		return why_set(tar->why, -EBADMSG, "the archive ends too early");
	if (err)
		return err;
	if (memcmp(&header, &zeros, sizeof(header)) == 0)
		return 0;
	if (!checksum_holds(&header) || !get_meta(&header, &entry.meta) ||
		!get_name(&header, &entry))
		return why_set(
			tar->why, -EBADMSG, "the archive is damaged at '%.100s'", header.name);
	if (entry.meta.type != FILES_FILE)
		entry.meta.size = 0;
	tar->left = entry.meta.size;
	tar->padding = (BLOCK - entry.meta.size % BLOCK) % BLOCK;
	tar->at = 0;
	*ret_entry = entry;
	return 1;
}
