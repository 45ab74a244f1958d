/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository that an earlier ebb made, brought to what this one knows: asked for by somebody, and
 * never a side effect of anything else. FORMATS-REPOSITORY.md, "Upgrades".
 *
 * One head says first that readers have to know more, and from then on earlier ebbs refuse the
 * repository. Then what is old is replaced, some of it with each head: a run that was killed at any
 * moment has harmed nothing, and the next one goes on with the rest. Backups and collections may
 * go on meanwhile.
 *
 * Calls block. One thread for each repository.
 */
#ifndef EBB_REPO_UPGRADE_H
#define EBB_REPO_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>

struct repo;
struct why;

struct upgrade_options {
	bool dry_run; /* only count */
	/* Before each head that names what was renewed; may be NULL. */
	void (*on_step)(void *arg, uint64_t renewed, uint64_t of);
	void *arg;
};

struct upgrade_result {
	uint64_t indexes;    /* of the repository */
	uint64_t old;        /* of them, those that lacked something */
	uint64_t renewed;    /* that lack nothing now, or less */
	uint64_t unreadable; /* packs that do not tell how long they are: damaged ones */
	bool raised;         /* readers have to know more than before; dry run: they would */
};

/*
 * Fewer renewed than old: packs could not be read, or somebody else wrote indexes meanwhile; it may
 * run again. -EACCES: a key that may only write.
 */
int repo_upgrade(struct repo *repo, const struct upgrade_options *options,
	struct upgrade_result *ret_result, struct why *why);

#endif
