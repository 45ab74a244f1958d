/* SPDX-License-Identifier: Apache-2.0 */
/* The list is sorted so that each folder's entries stand together, then written bottom up. */
#include "source/tree_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "repo/repo.h"
#include "ship/tree.h"

enum { DEPTH_MAX = 100, SELF_DEPTH = 2 };

int tree_build_add(struct tree_build *build, const char *path, const struct files_meta *meta,
	struct content *content, const char *target)
{
	struct built built = {.meta = *meta, .path = strdup(path)};
	built.target = target ? strdup(target) : NULL;
	if (!built.path || (target && !built.target) || vec_push(&build->list, built)) {
		free(built.path);
		free(built.target);
		return -ENOMEM;
	}
	if (content) {
		build->list.at[build->list.len - 1].content = *content;
		*content = (struct content){0};
	}
	return 0;
}

int tree_build_text(struct tree_build *build, struct repo *repo, const char *path,
	const struct files_meta *meta, const char *text, struct why *why)
{
	OWN(content_done) struct content content = {.size = strlen(text)};
	struct files_meta sized = *meta;
	content.digests.at = malloc(sizeof(struct digest));
	if (!content.digests.at)
		return -ENOMEM;
	content.digests.len = content.digests.cap = 1;
	int err = repo_put_chunk(
		repo, CHUNK_CONTENT, text, strlen(text), &content.digests.at[0], why);
	sized.size = content.size;
	return err ? err : tree_build_add(build, path, &sized, &content, NULL);
}

/* Bytes of components: a slash stands before everything else. */
static int by_path(const void *a, const void *b)
{
	const unsigned char *one = (const unsigned char *)((const struct built *)a)->path;
	const unsigned char *other = (const unsigned char *)((const struct built *)b)->path;
	while (*one && *one == *other) {
		one++;
		other++;
	}
	int x = *one == '/' ? 1
		: *one      ? *one + 1
			    : 0,
	    y = *other == '/' ? 1
		: *other      ? *other + 1
			      : 0;
	return x - y;
}

struct building {
	struct tree_build *build;
	struct repo *repo;
	const struct files_meta *folder;
	size_t at; /* the next entry of the list */
	int depth;
	struct why *why;
};

/* `path` begins with the folder's own, which with its slash has `prefix` bytes; 0: the root. */
static int put_folder(struct building *b, const char *path, size_t prefix,
	const struct files_meta *self, struct digest *ret_digest);

static bool is_beneath(const struct building *b, const char *path, size_t prefix)
{
	if (b->at == b->build->list.len)
		return false;
	const char *next = b->build->list.at[b->at].path;
	return !prefix || (strncmp(next, path, prefix - 1) == 0 && next[prefix - 1] == '/');
}

/* One entry of a folder, with all beneath it. */
static int put_entry(struct building *b, size_t prefix, struct tree_writer *writer)
{
	const struct built *built = &b->build->list.at[b->at];
	const char *name = built->path + prefix;
	size_t len = strcspn(name, "/");
	struct tree_entry entry = {.meta = *b->folder, .name = name, .name_len = len};
	struct digest digest;
	bool noted = !name[len];
	if (noted) {
		entry.meta = built->meta;
		b->at++;
	}
	if (!len)
		return why_set(b->why, -EBADMSG, "%s: this is no path", built->path);
	entry.target = noted ? built->target : NULL;
	entry.target_len = entry.target ? strlen(entry.target) : 0;
	if (noted && built->meta.type == FILES_FILE)
		content_fill(&built->content, &entry);
	if (entry.meta.type == FILES_FOLDER) {
		int err = put_folder(b, built->path, prefix + len + 1, &entry.meta, &digest);
		if (err)
			return err;
		entry.folder = digest.b;
	}
	if (b->at < b->build->list.len && noted &&
		strcmp(b->build->list.at[b->at].path, built->path) == 0)
		return why_set(b->why, -EBADMSG, "%s: it came twice", built->path);
	return tree_add(writer, &entry, b->why);
}

static int put_folder(struct building *b, const char *path, size_t prefix,
	const struct files_meta *self, struct digest *ret_digest)
{
	OWN(tree_writer_done) struct tree_writer writer = {.repo = b->repo};
	const struct tree_entry about = {.meta = *self};
	int err = 0;
	if (b->depth > DEPTH_MAX)
		return why_set(b->why, -ELOOP, "more than %d folders deep", DEPTH_MAX);
	/* Those that may be restored by themselves say what they are. */
	if (b->depth <= SELF_DEPTH)
		err = tree_add_self(&writer, &about, b->why);
	b->depth++;
	while (!err && is_beneath(b, path, prefix))
		err = put_entry(b, prefix, &writer);
	b->depth--;
	return err ? err : tree_finish(&writer, ret_digest, b->why);
}

int tree_build_finish(struct tree_build *build, struct repo *repo, const struct files_meta *folder,
	struct digest *ret_root, struct why *why)
{
	struct building b = {.build = build, .repo = repo, .folder = folder, .why = why};
	if (build->list.len)
		qsort(build->list.at, build->list.len, sizeof(*build->list.at), by_path);
	return put_folder(&b, "", 0, folder, ret_root);
}

void tree_build_done(struct tree_build *build)
{
	vec_each (built, &build->list) {
		free(built->path);
		free(built->target);
		content_done(&built->content);
	}
	vec_done(&build->list);
}
