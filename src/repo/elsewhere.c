/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second place of a chunk. Two writers who could not see each other bring the same chunks, a
 * write-only client and everybody else above all, and the index knows one place of each. Only when
 * that is damaged the index objects are read for others: once for each damaged pack.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "repo/inner.h"

struct seeking {
	struct repo *repo;
	uint32_t bad;              /* number of the damaged pack */
	VEC(struct digest) wanted; /* what it should have; sorted */
};

static void seeking_done(struct seeking *s)
{
	vec_done(&s->wanted);
}

static int by_digest(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest));
}

static int note_wanted(void *arg, uint32_t number, const struct index_entry *entry)
{
	struct seeking *s = arg;
	(void)number;
	return entry->pack == s->bad ? vec_push(&s->wanted, entry->at.digest) : 0;
}

static bool find_pack(const struct repo *repo, const struct object_id *id, uint32_t *ret_number)
{
	for (size_t i = 0; i < repo->index.packs.len; i++) {
		if (!object_id_equal(&repo->index.packs.at[i].id, id))
			continue;
		*ret_number = (uint32_t)i;
		return true;
	}
	return false;
}

static int seek_in(struct seeking *s, const struct head_index *named)
{
	OWN(own_free) uint8_t *plain = NULL;
	OWN(index_done) struct index index = {0};
	struct repo *repo = s->repo;
	const struct object_id *bad = &repo->index.packs.at[s->bad].id;
	size_t len;
	/* Of two places within this object the other one counts. */
	int err = index_set_retired(&index, bad, 1);
	if (err || repo_fetch_index(repo, named, &plain, &len, NULL))
		return err;
	err = index_get(&index, plain, len, NULL);
	vec_each (entry, &index.entries) {
		uint32_t number;
		const struct object_id *id = &index.packs.at[entry->pack].id;
		if (!err && !object_id_equal(id, bad) &&
			bsearch(&entry->at.digest, s->wanted.at, s->wanted.len,
				sizeof(struct digest), by_digest) &&
			find_pack(repo, id, &number))
			err = index_add(&repo->elsewhere, number, &entry->at);
	}
	return err == -ENOMEM ? err : 0;
}

static int seek(struct repo *repo, uint32_t bad)
{
	OWN(seeking_done) struct seeking s = {.repo = repo, .bad = bad};
	vec_each (sought, &repo->sought)
		if (*sought == bad)
			return 0;
	int err = index_walk(&repo->index, note_wanted, &s);
	if (!err)
		err = vec_push(&repo->sought, bad);
	if (err || !s.wanted.len)
		return err;
	qsort(s.wanted.at, s.wanted.len, sizeof(*s.wanted.at), by_digest);
	vec_each (named, &repo->head.indexes)
		err = err ? err : seek_in(&s, named);
	return err;
}

void elsewhere_done(struct repo *repo)
{
	index_done(&repo->elsewhere);
	vec_done(&repo->sought);
}

int repo_elsewhere(struct repo *repo, const struct index_entry *entry, uint8_t **ret_bytes)
{
	struct index_entry other;
	int err = seek(repo, entry->pack);
	if (err)
		return err;
	if (index_find(&repo->elsewhere, &entry->at.digest, &other) != 1)
		return -ENOENT;
	err = repo_piece(repo, &other, ret_bytes, NULL);
	if (err == -EBADMSG)
		err = repo_piece_mended(repo, &other, ret_bytes, NULL);
	return err;
}
