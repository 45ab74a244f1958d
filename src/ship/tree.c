/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries to bytes and back. A large folder is cut where the hash of a name says so, so that one
 * new file changes one part of it.
 */
#include "ship/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/why.h"
#include "repo/repo.h"

enum {
	VERSION = 1,
	TYPE_MORE = 8,
	TYPE_SELF = 9,
	TAG_NAME = 1,
	TAG_TARGET,
	TAG_DIGESTS,
	TAG_FOLDER,
	TAG_XATTR,
	TAG_SPECIAL,
	TAG_EXTENTS,
};

/* A part is cut at one name in 1,024 once it has PART_MIN bytes, and at PART_MAX in any case. */
enum { PART_MIN = 32 << 10, PART_MAX = 512 << 10, PART_NAMES = 1024 };

enum { FIXED = 62 };

/* ---- writing ---- */

static void put_tag(struct fields_out *out, uint8_t tag, const void *bytes, size_t len)
{
	out_u8(out, tag);
	out_u32(out, (uint32_t)len);
	out_bytes(out, bytes, len);
}

static void put_fixed(struct fields_out *out, const struct tree_entry *entry)
{
	const struct files_meta *meta = &entry->meta;
	out_u8(out, (uint8_t)meta->type);
	out_u8(out, (uint8_t)entry->flags);
	out_u32(out, meta->mode);
	out_u32(out, meta->uid);
	out_u32(out, meta->gid);
	out_u64(out, (uint64_t)meta->mtime_ns);
	out_u64(out, (uint64_t)meta->ctime_ns);
	out_u64(out, meta->size);
	out_u64(out, meta->inode);
	out_u64(out, meta->device);
	out_u32(out, meta->links);
}

static void put_entry(struct fields_out *out, const struct tree_entry *entry)
{
	size_t start = out->len;
	out_u32(out, 0); /* the length, set below */
	put_fixed(out, entry);
	put_tag(out, TAG_NAME, entry->name, entry->name_len);
	if (entry->target)
		put_tag(out, TAG_TARGET, entry->target, entry->target_len);
	if (entry->digest_count)
		put_tag(out, TAG_DIGESTS, entry->digests, entry->digest_count * DIGEST_SIZE);
	if (entry->folder)
		put_tag(out, TAG_FOLDER, entry->folder, DIGEST_SIZE);
	if (entry->xattrs_len)
		put_tag(out, TAG_XATTR, entry->xattrs, entry->xattrs_len);
	if (entry->meta.type == FILES_CHAR || entry->meta.type == FILES_BLOCK) {
		uint8_t numbers[8];
		put_le32(numbers, entry->meta.special_major);
		put_le32(numbers + 4, entry->meta.special_minor);
		put_tag(out, TAG_SPECIAL, numbers, sizeof(numbers));
	}
	if (entry->extent_count)
		put_tag(out, TAG_EXTENTS, entry->extents, entry->extent_count * 16);
	if (!out->failed)
		put_le32(out->at + start, (uint32_t)(out->len - start - 4));
}

void tree_put_xattr(struct fields_out *xattrs, const char *name, const void *value, size_t len)
{
	out_text(xattrs, name);
	out_u32(xattrs, (uint32_t)len);
	out_bytes(xattrs, value, len);
}

/* Stores entries as one tree chunk. */
static int store_part(const struct tree_writer *writer, const struct fields_out *entries,
	uint32_t count, struct digest *ret_digest, struct why *why)
{
	OWN(out_done) struct fields_out out = {0};
	*ret_digest = (struct digest){0};
	if (writer->dry)
		return 0;
	out_u32(&out, VERSION);
	out_u32(&out, count);
	out_bytes(&out, entries->at, entries->len);
	if (out.failed || entries->failed)
		return -ENOMEM;
	return repo_put_chunk(writer->repo, CHUNK_TREE, out.at, out.len, ret_digest, why);
}

static int cut_part(struct tree_writer *writer, struct why *why)
{
	struct digest digest;
	int err = store_part(writer, &writer->part, writer->count, &digest, why);
	if (err)
		return err;
	out_bytes(&writer->parts, digest.b, DIGEST_SIZE);
	writer->part_count++;
	writer->part.len = 0;
	writer->count = 0;
	return writer->parts.failed ? -ENOMEM : 0;
}

int tree_add(struct tree_writer *writer, const struct tree_entry *entry, struct why *why)
{
	size_t before = writer->part.len;
	put_entry(&writer->part, entry);
	if (writer->part.failed)
		return -ENOMEM;
	writer->count++;
	/* A chunk holds at most 1 MiB: one entry must leave room for those before it. */
	if (writer->part.len - before > PART_MAX)
		return why_set(
			why, -EOVERFLOW, "its attributes are larger than %d bytes", PART_MAX);
	bool chosen = hash64(entry->name, entry->name_len, 0) % PART_NAMES == 0;
	if ((chosen && writer->part.len >= PART_MIN) || writer->part.len >= PART_MAX)
		return cut_part(writer, why);
	return 0;
}

int tree_add_self(struct tree_writer *writer, const struct tree_entry *self, struct why *why)
{
	struct tree_entry entry = *self;
	entry.meta.type = (enum files_type)TYPE_SELF;
	entry.name = "";
	entry.name_len = 0;
	return tree_add(writer, &entry, why);
}

int tree_finish(struct tree_writer *writer, struct digest *ret_digest, struct why *why)
{
	OWN(out_done) struct fields_out root = {0};
	if (!writer->part_count)
		return store_part(writer, &writer->part, writer->count, ret_digest, why);
	if (writer->count) {
		int err = cut_part(writer, why);
		if (err)
			return err;
	}
	struct tree_entry more = {.meta.type = (enum files_type)TYPE_MORE, .name = ""};
	for (uint32_t i = 0; i < writer->part_count; i++) {
		more.folder = writer->parts.at + (size_t)i * DIGEST_SIZE;
		put_entry(&root, &more);
	}
	return store_part(writer, &root, writer->part_count, ret_digest, why);
}

void tree_writer_done(struct tree_writer *writer)
{
	out_done(&writer->part);
	out_done(&writer->parts);
}

/* ---- reading ---- */

static void get_fixed(struct fields_in *in, struct tree_entry *entry)
{
	struct files_meta *meta = &entry->meta;
	meta->type = (enum files_type)in_u8(in);
	entry->flags = in_u8(in);
	meta->mode = in_u32(in);
	meta->uid = in_u32(in);
	meta->gid = in_u32(in);
	meta->mtime_ns = (int64_t)in_u64(in);
	meta->ctime_ns = (int64_t)in_u64(in);
	meta->size = in_u64(in);
	meta->inode = in_u64(in);
	meta->device = in_u64(in);
	meta->links = in_u32(in);
}

/* Unknown tags are passed over: an older reader keeps what it understands. */
static void get_tag(struct fields_in *in, struct tree_entry *entry)
{
	uint8_t tag = in_u8(in);
	size_t len = in_u32(in);
	const uint8_t *bytes = in_piece(in, len);
	if (!bytes)
		return;
	if (tag == TAG_NAME) {
		entry->name = (const char *)bytes;
		entry->name_len = len;
	} else if (tag == TAG_TARGET) {
		entry->target = (const char *)bytes;
		entry->target_len = len;
	} else if (tag == TAG_DIGESTS && len % DIGEST_SIZE == 0) {
		entry->digests = bytes;
		entry->digest_count = len / DIGEST_SIZE;
	} else if (tag == TAG_FOLDER && len == DIGEST_SIZE) {
		entry->folder = bytes;
	} else if (tag == TAG_XATTR) {
		entry->xattrs = bytes;
		entry->xattrs_len = len;
	} else if (tag == TAG_SPECIAL && len == 8) {
		entry->meta.special_major = get_le32(bytes);
		entry->meta.special_minor = get_le32(bytes + 4);
	} else if (tag == TAG_EXTENTS && len % 16 == 0) {
		entry->extents = bytes;
		entry->extent_count = len / 16;
	}
}

/* A name that is one component, and a target that is text: what a file system can hold. */
static bool entry_ok(const struct tree_entry *entry)
{
	const char *name = entry->name;
	if (entry->meta.type < FILES_FILE || entry->meta.type > FILES_BLOCK)
		return false;
	if (!entry->name_len || entry->name_len > FILES_NAME_MAX ||
		memchr(name, '/', entry->name_len) || memchr(name, '\0', entry->name_len))
		return false;
	if (name[0] == '.' && (entry->name_len == 1 || (entry->name_len == 2 && name[1] == '.')))
		return false;
	if (entry->meta.type == FILES_FOLDER && !entry->folder)
		return false;
	if (entry->meta.type == FILES_SYMLINK &&
		(!entry->target || !entry->target_len || entry->target_len >= FILES_LINK_MAX ||
			memchr(entry->target, '\0', entry->target_len)))
		return false;
	return true;
}

static bool get_entry(struct fields_in *in, struct tree_entry *ret_entry)
{
	struct tree_entry entry = {0};
	size_t len = in_u32(in);
	const uint8_t *bytes = in_piece(in, len);
	if (!bytes || len < FIXED - 4)
		return false;
	struct fields_in inner = {.at = bytes, .end = bytes + len};
	get_fixed(&inner, &entry);
	while (!inner.bad && inner.at < inner.end)
		get_tag(&inner, &entry);
	*ret_entry = entry;
	return !inner.bad;
}

/* The bytes of one tree chunk and where its entries begin. */
static int load_part(struct repo *repo, const struct digest *digest, uint8_t **ret_bytes,
	size_t *ret_len, struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	size_t len;
	int err = repo_chunk(repo, digest, CHUNK_TREE, &bytes, &len, why);
	if (err)
		return err;
	if (len < 8)
		return why_set(why, -EBADMSG, "a tree is too short");
	if (get_le32(bytes) != VERSION)
		return why_set(why, -ENOTSUP, "a tree of a newer ebb: use that one");
	memmove(bytes, bytes + 8, len - 8);
	*ret_bytes = TAKE(bytes);
	*ret_len = len - 8;
	return 0;
}

struct joining {
	struct repo *repo;
	tree_part_fn *fn; /* told of each part; may be NULL */
	void *arg;
	struct fields_out joined;
};

static void joining_done(struct joining *joining)
{
	out_done(&joining->joined);
}

/* Adds the entries of every part that `root` names. */
static int join_parts(struct joining *joining, const uint8_t *root, size_t len, struct why *why)
{
	struct fields_in in = {.at = root, .end = root + len};
	while (in.at < in.end) {
		struct tree_entry more;
		struct digest digest;
		OWN(own_free) uint8_t *bytes = NULL;
		size_t part_len;
		if (!get_entry(&in, &more) || (int)more.meta.type != TYPE_MORE || !more.folder)
			return why_set(why, -EBADMSG, "a tree is damaged");
		memcpy(digest.b, more.folder, DIGEST_SIZE);
		int err = joining->fn ? joining->fn(joining->arg, &digest) : 0;
		if (!err)
			err = load_part(joining->repo, &digest, &bytes, &part_len, why);
		if (err)
			return err;
		out_bytes(&joining->joined, bytes, part_len);
		if (joining->joined.failed)
			return -ENOMEM;
	}
	return 0;
}

/* The root's first entry may be the root itself. */
static int take_self(struct tree *tree, struct why *why)
{
	struct fields_in in = {.at = tree->bytes, .end = tree->bytes + tree->len};
	if (tree->len <= 4 || tree->bytes[4] != TYPE_SELF)
		return 0;
	if (!get_entry(&in, &tree->self))
		return why_set(why, -EBADMSG, "a tree is damaged");
	tree->self.meta.type = FILES_FOLDER;
	tree->has_self = true;
	tree->at = in.at;
	return 0;
}

int tree_load(
	struct repo *repo, const struct digest *digest, struct tree *ret_tree, struct why *why)
{
	return tree_load_parts(repo, digest, NULL, NULL, ret_tree, why);
}

int tree_load_parts(struct repo *repo, const struct digest *digest, tree_part_fn *fn, void *arg,
	struct tree *ret_tree, struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	size_t len;
	int err = load_part(repo, digest, &bytes, &len, why);
	if (err)
		return err;
	if (len > 4 && bytes[4] == TYPE_MORE) {
		OWN(joining_done) struct joining joining = {.repo = repo, .fn = fn, .arg = arg};
		err = join_parts(&joining, bytes, len, why);
		if (err)
			return err;
		free(bytes);
		bytes = TAKE(joining.joined.at);
		len = joining.joined.len;
	}
	*ret_tree = (struct tree){.bytes = TAKE(bytes), .len = len};
	ret_tree->at = ret_tree->bytes;
	return take_self(ret_tree, why);
}

void tree_done(struct tree *tree)
{
	free(tree->bytes);
	*tree = (struct tree){0};
}

int tree_next(struct tree *tree, struct tree_entry *ret_entry, struct why *why)
{
	struct fields_in in = {.at = tree->at, .end = tree->bytes + tree->len};
	if (in.at == in.end)
		return 0;
	if (!get_entry(&in, ret_entry) || !entry_ok(ret_entry))
		return why_set(why, -EBADMSG, "a tree is damaged");
	tree->at = in.at;
	return 1;
}

bool tree_next_xattr(const struct tree_entry *entry, size_t *at, struct tree_xattr *ret_xattr)
{
	struct fields_in in = {.at = entry->xattrs + *at, .end = entry->xattrs + entry->xattrs_len};
	struct tree_xattr xattr;
	if (*at >= entry->xattrs_len)
		return false;
	xattr.name_len = in_u16(&in);
	xattr.name = (const char *)in_piece(&in, xattr.name_len);
	xattr.len = in_u32(&in);
	xattr.value = in_piece(&in, xattr.len);
	if (in.bad)
		return false;
	*at = (size_t)(in.at - entry->xattrs);
	*ret_xattr = xattr;
	return true;
}

struct tree_extent tree_extent_at(const struct tree_entry *entry, size_t i)
{
	return (struct tree_extent){
		get_le64(entry->extents + i * 16), get_le64(entry->extents + i * 16 + 8)};
}
