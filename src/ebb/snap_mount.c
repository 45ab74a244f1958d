/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points as a file system: ship/view.h behind libfuse3's low-level calls.
 *
 * A single loop on one thread serves all requests: an open repository belongs to one thread, and
 * the kernel's page cache and readahead stand before it. What a point says never changes, so the
 * kernel may remember all that it was told.
 */
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/names.h"
#include "ebb/shown.h"
#include "ebb/snap_nbd.h"
#include "repo/point.h"
#include "ship/tree.h"
#include "ship/view.h"

/* For how many seconds the kernel may believe what it was told. */
#define FOR_EVER 86400.0

enum { BLOCK = 512, IO_SIZE = 128 << 10 };

/* A failure told once for each request, and the error that the kernel gets: never wrong bytes. */
static int told(struct view *view, fuse_ino_t node, int err, const struct why *why)
{
	OWN(str_done) struct str text = {0};
	char path[VIEW_PATH];
	if (err == -ENOENT && !why->text[0])
		return ENOENT;
	if (err == -ENOTDIR || err == -EISDIR || err == -EINVAL)
		return -err;
	view_path(view, node, path);
	shown_add(&text, path, strlen(path));
	call_fail(0, "%s: %s", str_text(&text), err == -ENOMEM ? "no memory" : why->text);
	return err == -ENOMEM ? ENOMEM : EIO;
}

static mode_t mode_of(const struct files_meta *meta)
{
	static const mode_t types[] = {[FILES_FILE] = S_IFREG,
		[FILES_FOLDER] = S_IFDIR,
		[FILES_SYMLINK] = S_IFLNK,
		[FILES_FIFO] = S_IFIFO,
		[FILES_SOCKET] = S_IFSOCK,
		[FILES_CHAR] = S_IFCHR,
		[FILES_BLOCK] = S_IFBLK};
	return types[meta->type] | (meta->mode & 07777);
}

static struct timespec time_of(int64_t ns)
{
	int64_t sec = ns / NS_PER_SEC, rest = ns % NS_PER_SEC;
	if (rest < 0) {
		sec--;
		rest += NS_PER_SEC;
	}
	return (struct timespec){.tv_sec = sec, .tv_nsec = rest};
}

/* Blocks that hold data: of a file with holes those of its extents, as du(1) counts them. */
static uint64_t blocks_of(const struct tree_entry *entry)
{
	uint64_t bytes = 0;
	if (!(entry->flags & TREE_HOLES))
		bytes = entry->meta.size;
	/* Only its map tells. With one block less than all, cp(1) asks where its holes are. */
	if (view_is_image(entry) && bytes > 2 * BLOCK)
		bytes -= 2 * BLOCK;
	for (size_t i = 0; i < entry->extent_count; i++) {
		struct tree_extent extent = tree_extent_at(entry, i);
		bytes += extent.to - extent.from;
	}
	return entry->meta.type == FILES_FILE ? bytes / BLOCK + (bytes % BLOCK != 0) : 0;
}

static struct stat stat_of(const struct tree_entry *entry)
{
	const struct files_meta *meta = &entry->meta;
	bool folder = meta->type == FILES_FOLDER;
	return (struct stat){
		.st_ino = meta->inode,
		.st_mode = mode_of(meta),
		/* 1 says of a folder that it does not count those below. */
		.st_nlink = folder || !meta->links ? 1 : meta->links,
		.st_uid = meta->uid,
		.st_gid = meta->gid,
		.st_rdev = makedev(meta->special_major, meta->special_minor),
		.st_size = folder                     ? 0
			: meta->type == FILES_SYMLINK ? (off_t)entry->target_len
						      : (off_t)meta->size,
		.st_blksize = IO_SIZE,
		.st_blocks = (blkcnt_t)blocks_of(entry),
		.st_atim = time_of(meta->mtime_ns),
		.st_mtim = time_of(meta->mtime_ns),
		.st_ctim = time_of(meta->ctime_ns),
	};
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct view *view = fuse_req_userdata(request);
	struct fuse_entry_param param = {.attr_timeout = FOR_EVER, .entry_timeout = FOR_EVER};
	struct why why = {""};
	uint64_t node;
	int err = view_lookup(view, parent, name, &node, &why);
	if (err == -ENOENT && !why.text[0]) {
		/* Inode 0: that there is none may be remembered too. */
		fuse_reply_entry(request, &param);
		return;
	}
	if (err) {
		fuse_reply_err(request, told(view, parent, err, &why));
		return;
	}
	param.ino = node;
	param.attr = stat_of(view_entry(view, node));
	if (fuse_reply_entry(request, &param))
		view_forget(view, node, 1);
}

/* The root was never looked up. */
static void forget(struct view *view, fuse_ino_t node, uint64_t count)
{
	if (node != VIEW_ROOT)
		view_forget(view, node, count);
}

static void on_forget(fuse_req_t request, fuse_ino_t node, uint64_t count)
{
	forget(fuse_req_userdata(request), node, count);
	fuse_reply_none(request);
}

static void on_forget_many(fuse_req_t request, size_t count, struct fuse_forget_data *all)
{
	for (size_t i = 0; i < count; i++)
		forget(fuse_req_userdata(request), all[i].ino, all[i].nlookup);
	fuse_reply_none(request);
}

static void on_getattr(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
	struct view *view = fuse_req_userdata(request);
	struct stat attr = stat_of(view_entry(view, node));
	(void)info;
	fuse_reply_attr(request, &attr, FOR_EVER);
}

static void on_readlink(fuse_req_t request, fuse_ino_t node)
{
	const struct tree_entry *entry = view_entry(fuse_req_userdata(request), node);
	char target[FILES_LINK_MAX];
	if (entry->meta.type != FILES_SYMLINK || entry->target_len >= sizeof(target)) {
		fuse_reply_err(request, EINVAL);
		return;
	}
	snprintf(target, sizeof(target), "%.*s", (int)entry->target_len, entry->target);
	fuse_reply_readlink(request, target);
}

static void on_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
	struct view *view = fuse_req_userdata(request);
	struct view_file *file;
	struct why why = {""};
	int err = (info->flags & O_ACCMODE) != O_RDONLY ? -EROFS
							: view_open(view, node, &file, &why);
	if (err) {
		fuse_reply_err(request, err == -EROFS ? EROFS : told(view, node, err, &why));
		return;
	}
	info->fh = (uintptr_t)file;
	info->keep_cache = 1;
	if (fuse_reply_open(request, info))
		view_close(file);
}

/* Holes stay holes for whoever copies an image of a TiB. */
static void on_seek(
	fuse_req_t request, fuse_ino_t node, off_t at, int whence, struct fuse_file_info *info)
{
	struct view *view = fuse_req_userdata(request);
	struct why why = {""};
	uint64_t found;
	int err = whence == SEEK_DATA || whence == SEEK_HOLE
		? view_seek((struct view_file *)(uintptr_t)info->fh, (uint64_t)at,
			  whence == SEEK_HOLE, &found, &why)
		: -EINVAL;
	if (err)
		fuse_reply_err(request, err == -ENXIO ? ENXIO : told(view, node, err, &why));
	else
		fuse_reply_lseek(request, (off_t)found);
}

static void on_release(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *info)
{
	(void)node;
	view_close((struct view_file *)(uintptr_t)info->fh);
	fuse_reply_err(request, 0);
}

static void on_read(
	fuse_req_t request, fuse_ino_t node, size_t size, off_t at, struct fuse_file_info *info)
{
	struct view *view = fuse_req_userdata(request);
	OWN(own_free) char *bytes = malloc(size ? size : 1);
	struct why why = {""};
	ssize_t n = bytes ? view_read((struct view_file *)(uintptr_t)info->fh, bytes, size,
				    (uint64_t)at, &why)
			  : -ENOMEM;
	if (n < 0)
		fuse_reply_err(request, told(view, node, (int)n, &why));
	else
		fuse_reply_buf(request, bytes, (size_t)n);
}

/* Entries as they fit into one answer. "." and ".." are numbers 0 and 1. */
struct filling {
	fuse_req_t request;
	char *bytes;
	size_t len, cap;
	uint64_t next;
};

static bool fill(void *arg, const char *name, size_t len, const struct files_meta *meta)
{
	struct filling *filling = arg;
	struct stat attr = {.st_ino = meta->inode, .st_mode = mode_of(meta)};
	char text[FILES_NAME_MAX + 1];
	snprintf(text, sizeof(text), "%.*s", (int)len, name);
	size_t need = fuse_add_direntry(filling->request, filling->bytes + filling->len,
		filling->cap - filling->len, text, &attr, (off_t)(filling->next + 1));
	if (need > filling->cap - filling->len)
		return false;
	filling->len += need;
	filling->next++;
	return true;
}

static void on_readdir(
	fuse_req_t request, fuse_ino_t node, size_t size, off_t at, struct fuse_file_info *info)
{
	static const char *const dots[] = {".", ".."};
	struct view *view = fuse_req_userdata(request);
	OWN(own_free) char *bytes = malloc(size ? size : 1);
	struct filling filling = {request, bytes, 0, size, (uint64_t)at};
	struct why why = {""};
	bool room = bytes != NULL;
	(void)info;
	while (room && filling.next < 2)
		room = fill(&filling, dots[filling.next], filling.next + 1,
			&view_entry(view, node)->meta);
	int err = bytes ? 0 : -ENOMEM;
	if (room)
		err = view_list(view, node, filling.next - 2, fill, &filling, &why);
	if (err)
		fuse_reply_err(request, told(view, node, err, &why));
	else
		fuse_reply_buf(request, bytes, filling.len);
}

/* `size` 0 asks for how much room is needed. */
static void reply_bytes(fuse_req_t request, const void *bytes, size_t len, size_t size)
{
	if (!size)
		fuse_reply_xattr(request, len);
	else if (len > size)
		fuse_reply_err(request, ERANGE);
	else
		fuse_reply_buf(request, bytes, len);
}

static void on_getxattr(fuse_req_t request, fuse_ino_t node, const char *name, size_t size)
{
	const struct tree_entry *entry = view_entry(fuse_req_userdata(request), node);
	struct tree_xattr xattr;
	for (size_t at = 0; tree_next_xattr(entry, &at, &xattr);) {
		if (xattr.name_len == strlen(name) &&
			memcmp(xattr.name, name, xattr.name_len) == 0) {
			reply_bytes(request, xattr.value, xattr.len, size);
			return;
		}
	}
	fuse_reply_err(request, ENODATA);
}

static void on_listxattr(fuse_req_t request, fuse_ino_t node, size_t size)
{
	const struct tree_entry *entry = view_entry(fuse_req_userdata(request), node);
	OWN(str_done) struct str names = {0};
	struct tree_xattr xattr;
	for (size_t at = 0; tree_next_xattr(entry, &at, &xattr);) {
		str_add_bytes(&names, xattr.name, xattr.name_len);
		str_add_bytes(&names, "", 1);
	}
	if (str_error(&names))
		fuse_reply_err(request, ENOMEM);
	else
		reply_bytes(request, str_text(&names), names.len, size);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = on_lookup,
	.forget = on_forget,
	.forget_multi = on_forget_many,
	.getattr = on_getattr,
	.readlink = on_readlink,
	.open = on_open,
	.read = on_read,
	.lseek = on_seek,
	.release = on_release,
	.readdir = on_readdir,
	.getxattr = on_getxattr,
	.listxattr = on_listxattr,
};

/* ---- which points, and under which names ---- */

struct choosing {
	struct view *view;
	uint64_t points, left_out;
};

/* "dir/home/2026-11-21T02:10:05Z"; a second point of that second has its first digits besides. */
static int add_point(
	void *arg, const struct head_point *named, const struct point *point, const struct why *why)
{
	struct choosing *choosing = arg;
	char path[POINT_TEXT + 100], end[UNITS_TEXT], hex[33];
	object_show_id(&named->id, hex);
	if (!point) {
		call_fail(0, "point %.8s: %s", hex, why->text);
		choosing->left_out++;
		return EXIT_OK;
	}
	int len = snprintf(path, sizeof(path), "%s/%.19sZ", point->resource,
		units_show_time(point->end_ns, end));
	int err = view_add_point(choosing->view, point, path);
	if (err == -EEXIST) {
		snprintf(path + len, sizeof(path) - (size_t)len, "-%.8s", hex);
		err = view_add_point(choosing->view, point, path);
	}
	if (err == -ENOMEM)
		return call_fail(EXIT_FAILED, "no memory");
	choosing->points += !err;
	choosing->left_out += err != 0;
	return EXIT_OK;
}

static int choose(struct keep *keep, const char *name, struct choosing *choosing)
{
	struct point point;
	int code = name ? keep_find_point(keep, name, &point)
			: names_each(keep, add_point, choosing);
	if (code || !name)
		return code;
	int err = view_add_point(choosing->view, &point, "");
	if (err)
		return call_fail(
			EXIT_USAGE, "this point is a part of an archive, and nothing by itself");
	choosing->points = 1;
	return EXIT_OK;
}

/* ---- the session ---- */

static int serve(struct fuse_session *session, const char *folder)
{
	if (fuse_set_signal_handlers(session))
		return call_fail(EXIT_FAILED, "signals cannot be handled");
	if (fuse_session_mount(session, folder)) {
		fuse_remove_signal_handlers(session);
		return call_fail(EXIT_FAILED,
			"%s: cannot be mounted; what fuse wrote above says why", folder);
	}
	fprintf(stderr, "ebb: mounted at %s; Ctrl-C, SIGTERM or umount end it\n", folder);
	int ended = fuse_session_loop(session);
	fuse_session_unmount(session);
	fuse_remove_signal_handlers(session);
	/* A signal that asked for the end is an end in order. */
	return ended < 0 ? call_fail(EXIT_FAILED, "%s: fuse: %s", folder, strerrordesc_np(-ended))
			 : EXIT_OK;
}

static int mount_view(struct view *view, const char *folder)
{
	char name[] = "ebb", how[] = "-oro,nosuid,nodev,fsname=ebb,subtype=ebb";
	char *words[] = {name, how};
	struct fuse_args args = FUSE_ARGS_INIT(2, words);
	struct fuse_session *session = fuse_session_new(
		&args, &operations, sizeof(operations), view);
	if (!session)
		return call_fail(EXIT_FAILED, "%s: fuse refuses its options", folder);
	int code = serve(session, folder);
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return code;
}

int call_snap_mount(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	const struct args *args = &call->args;
	struct choosing choosing = {0};
	char folder[KEEP_PATH];
	bool one = args->operand_count == 2;
	struct folder *there;
	struct why why;
	if (args_given(&call->args, OPTION_NBD))
		return snap_nbd(call);
	if (!keep_absolute(call, args->operands[args->operand_count - 1], folder))
		return call_fail(EXIT_USAGE, "DIR is too long");
	int code = keep_open(call, &keep);
	if (code)
		return code;
	/* The kernel would mount over a file, too. */
	int err = files_open(&keep.files, folder, &there);
	if (err) {
		why_errno(&why, err, "%s", folder);
		return call_fail(EXIT_FAILED, "%s", why.text);
	}
	folder_close(there);
	choosing.view = view_new(keep.repo);
	if (!choosing.view)
		return call_fail(EXIT_FAILED, "no memory");
	code = choose(&keep, one ? args->operands[0] : NULL, &choosing);
	if (!code && choosing.left_out)
		call_fail(0, "%s not shown: WAL archives, or not to be read",
			COUNT(choosing.left_out, "point is", "points are"));
	if (!code)
		code = mount_view(choosing.view, folder);
	view_free(choosing.view);
	return code;
}
