/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following points: every tree is loaded, every chunk that an entry names must be known. That the
 * chunks themselves are whole is repo_check()'s to find, once for each pack and not for each point.
 */
#include "ship/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "repo/repo.h"
#include "ship/map.h"
#include "ship/tree.h"

struct follow {
	struct repo *repo;
	const struct check_options *options;
	struct verify_result *result;
	struct str path;
	uint64_t missing; /* in this point */
	int depth;
};

static void tell(struct follow *f, const char *what)
{
	OWN(str_done) struct str text = {0};
	str_addf(&text, "%s: %s", str_text(&f->path), what);
	f->missing++;
	if (f->options->on_trouble)
		f->options->on_trouble(f->options->arg, str_text(&text));
}

static bool known(struct follow *f, const uint8_t *bytes)
{
	struct digest digest;
	memcpy(digest.b, bytes, DIGEST_SIZE);
	return repo_has(f->repo, &digest);
}

static void follow_list(struct follow *f, const uint8_t *bytes)
{
	OWN(own_free) uint8_t *list = NULL;
	struct digest digest;
	struct why why;
	size_t len;
	memcpy(digest.b, bytes, DIGEST_SIZE);
	if (repo_chunk(f->repo, &digest, CHUNK_LIST, &list, &len, &why)) {
		tell(f, why.text);
		return;
	}
	for (size_t at = 0; at + DIGEST_SIZE <= len; at += DIGEST_SIZE)
		if (!known(f, list + at))
			tell(f, "a chunk of its content is missing");
}

static void follow_tree(struct follow *f, const uint8_t *bytes);

static void follow_entry(struct follow *f, const struct tree_entry *entry)
{
	size_t before = f->path.len;
	if (before)
		str_add(&f->path, "/");
	str_add_bytes(&f->path, entry->name, entry->name_len);
	for (size_t i = 0; i < entry->digest_count; i++) {
		const uint8_t *digest = entry->digests + i * DIGEST_SIZE;
		if (entry->flags & TREE_LISTED)
			follow_list(f, digest);
		else if (!known(f, digest))
			tell(f, "a chunk of its content is missing");
	}
	if (entry->folder)
		follow_tree(f, entry->folder);
	f->path.len = before;
	if (f->path.at)
		f->path.at[before] = '\0';
}

static void follow_tree(struct follow *f, const uint8_t *bytes)
{
	OWN(tree_done) struct tree tree = {0};
	struct tree_entry entry;
	struct digest digest;
	struct why why;
	memcpy(digest.b, bytes, DIGEST_SIZE);
	if (f->depth >= TREE_DEPTH_MAX) {
		tell(f, "it is too deep");
		return;
	}
	int err = tree_load(f->repo, &digest, &tree, &why);
	if (err) {
		tell(f, why.text);
		return;
	}
	f->depth++;
	while ((err = tree_next(&tree, &entry, &why)) == 1)
		follow_entry(f, &entry);
	f->depth--;
	if (err < 0)
		tell(f, why.text);
}

/* Nodes are read once for each point; what they name must be known. */
static int visit_map(void *arg, const struct digest *digest, enum chunk_kind kind, bool leads_on)
{
	struct follow *f = arg;
	(void)kind;
	(void)leads_on;
	if (!known(f, digest->b)) {
		tell(f, "a chunk of its image is missing");
		return 0;
	}
	return 1;
}

static void follow_map(struct follow *f, const struct digest *root)
{
	struct why why;
	if (map_walk(f->repo, root, visit_map, f, &why))
		tell(f, why.text);
}

static void follow_done(struct follow *f)
{
	str_done(&f->path);
}

static void follow_point(struct repo *repo, const struct object_id *id,
	const struct check_options *options, struct verify_result *result)
{
	OWN(follow_done)
	struct follow f = {.repo = repo, .options = options, .result = result};
	struct point point;
	char hex[33];
	str_addf(&f.path, "point %s", object_show_id(id, hex));
	result->points++;
	if (repo_point(repo, id, &point, NULL))
		tell(&f, "it cannot be read");
	else if (point.source == POINT_DIR)
		follow_tree(&f, point.root.b);
	else if (point.source == POINT_IMAGE)
		follow_map(&f, &point.root);
	result->missing += f.missing;
	result->broken += f.missing != 0;
}

int verify_repo(struct repo *repo, const struct check_options *options,
	struct verify_result *ret_result, struct why *why)
{
	struct verify_result result = {0};
	int err = repo_check(repo, options, &result.check, why);
	if (err)
		return err;
	const struct head *head = repo_head(repo);
	for (size_t i = 0; i < head->points.len; i++)
		follow_point(repo, &head->points.at[i].id, options, &result);
	*ret_result = result;
	return 0;
}
