/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore removes: its own leftovers always, what else the tree does not have on request. */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "os/files.h"
#include "ship/names.h"
#include "ship/restore_inner.h"

static int remove_all(struct restore *r, struct folder *folder, const char *name, int depth)
{
	struct files_meta meta;
	int err = folder_meta(folder, name, &meta);
	if (err)
		return err;
	if (meta.type == FILES_FOLDER && depth < TREE_DEPTH_MAX) {
		OWN(folder_close_own) struct folder *inner = NULL;
		OWN(names_done) struct names names = {0};
		err = folder_enter(folder, name, &inner);
		if (!err)
			err = names_list(inner, &names);
		vec_each (below, &names.list)
			err = err ? err : remove_all(r, inner, *below, depth + 1);
		if (err)
			return err;
	}
	err = folder_remove(folder, name, meta.type == FILES_FOLDER);
	r->result.deleted += !err;
	return err;
}

static void remove_told(struct restore *r, struct folder *folder, const char *name)
{
	int err = remove_all(r, folder, name, 0);
	size_t before = r->path.len;
	struct why why;
	if (!err)
		return;
	why_errno(&why, err, "removing it");
	str_addf(&r->path, "%s%s", before ? "/" : "", name);
	restore_trouble(r, str_text(&r->path), why.text);
	r->path.len = before;
	r->path.at[before] = '\0';
}

/* How `name` stands to the tree's next name, which moves on until it is not before it. */
static bool in_tree(struct tree *tree, struct tree_entry *entry, bool *have, const char *name)
{
	struct why why;
	for (;;) {
		if (*have) {
			size_t len = strlen(name);
			size_t shorter = len < entry->name_len ? len : entry->name_len;
			int order = memcmp(entry->name, name, shorter);
			if (!order)
				order = (entry->name_len > len) - (entry->name_len < len);
			if (order >= 0)
				return order == 0;
		}
		*have = tree_next(tree, entry, &why) == 1;
		if (!*have)
			return false;
	}
}

int sweep_folder(struct restore *r, struct spot *spot, const struct tree *tree, struct why *why)
{
	OWN(names_done) struct names names = {0};
	struct tree walk = *tree;
	struct tree_entry entry;
	bool have = false, inside = !r->options->only;
	int err = names_list(spot->folder, &names);
	if (err)
		return why_errno(why, err, "listing the target");
	vec_each (name, &names.list) {
		if (is_temporary(*name))
			folder_remove(spot->folder, *name, false);
		else if (r->options->delete &&inside && !in_tree(&walk, &entry, &have, *name))
			remove_told(r, spot->folder, *name);
	}
	return 0;
}

void sweep_name(
	struct restore *r, struct folder *folder, const struct tree_entry *entry, const char *name)
{
	struct files_meta meta;
	if (!r->options->delete || folder_meta(folder, name, &meta))
		return;
	if ((meta.type == FILES_FOLDER) != (entry->meta.type == FILES_FOLDER))
		remove_told(r, folder, name);
}
