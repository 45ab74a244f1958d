/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several repositories in one run. A chunk that is new to this one is compressed once, and its blob
 * goes into a pack of each that lacks it. What only this one knew already is brought along at the
 * commit, which walks the whole point: so a twin that missed a run, or was made later, has all of
 * it, too. The walk reads trees and lists and no content that is there.
 *
 * This repository commits first, and the others after it, from what lies there. When it has failed
 * itself, each twin commits if it holds all of the point.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/own.h"
#include "base/why.h"
#include "os/dice.h"
#include "repo/inner.h"

struct twins {
	struct repo *at[REPO_TWINS_MAX];
	struct repo_outcome outcomes[REPO_TWINS_MAX + 1]; /* 0: of the repository itself */
	size_t count;
	gc_walk_fn *walk;
};

static int note_peer(struct repo *repo, const struct repo *peer)
{
	if (repo->peer_count == HEAD_TWINS_MAX)
		return -E2BIG;
	repo->peers[repo->peer_count++] = peer;
	return 0;
}

static int check_twin(const struct repo *repo, const struct repo *twin, struct why *why)
{
	if (object_id_equal(&repo->id, &twin->id))
		return why_set(why, -EINVAL, "it is the same repository once more");
	if (memcmp(repo->ring->id_key, twin->ring->id_key, sizeof(twin->ring->id_key)) != 0)
		return why_set(why, -EINVAL,
			"it has other keys: a twin is made by `ebb repo init --like`");
	return 0;
}

int repo_add_twin(struct repo *repo, struct repo *twin, gc_walk_fn *walk, struct why *why)
{
	int err = check_twin(repo, twin, why);
	if (err)
		return err;
	if (!repo->twins)
		repo->twins = calloc(1, sizeof(*repo->twins));
	if (!repo->twins)
		return -ENOMEM;
	struct twins *twins = repo->twins;
	if (twins->count == REPO_TWINS_MAX || note_peer(repo, twin) || note_peer(twin, repo))
		return why_set(why, -E2BIG, "more than %d twins", REPO_TWINS_MAX);
	twins->walk = walk;
	twins->at[twins->count++] = twin;
	return 0;
}

void twins_drop(struct repo *repo)
{
	free(repo->twins);
	repo->twins = NULL;
}

const struct repo_outcome *repo_outcome(const struct repo *repo, size_t which)
{
	return &repo->twins->outcomes[which];
}

uint64_t repo_witness(const struct repo *witness, const struct repo *other)
{
	vec_each (twin, &witness->head.twins)
		if (object_id_equal(&twin->repo, &other->id))
			return twin->generation;
	return 0;
}

int twins_note(const struct repo *repo, struct head *head)
{
	int err = 0;
	for (size_t i = 0; !err && i < repo->peer_count; i++)
		err = head_note_twin(head, &repo->peers[i]->id, repo->peers[i]->head.generation);
	return err;
}

/* ---- failures of one ---- */

static bool any_goes_on(const struct twins *twins)
{
	for (size_t i = 0; i <= twins->count; i++)
		if (!twins->outcomes[i].err)
			return true;
	return false;
}

static void note_failure(struct repo_outcome *outcome, int err, const struct why *why)
{
	outcome->err = err;
	why_set(&outcome->why, err, "%s", why->text);
}

bool twins_without_us(const struct repo *repo)
{
	return repo->twins && repo->twins->outcomes[0].err;
}

int twins_on_failure(struct repo *repo, int err, const struct why *why)
{
	static const struct why unknown = {"it failed"};
	if (!repo->twins)
		return err;
	note_failure(&repo->twins->outcomes[0], err, why ? why : &unknown);
	return any_goes_on(repo->twins) ? 0 : err;
}

static int add_at(struct repo *repo, const struct blob_note *note, const uint8_t *blob, size_t len,
	struct repo_outcome *outcome)
{
	struct why why = {""};
	int known = repo_known(repo, &note->digest, &why);
	int err = known < 0 ? known : known ? 0 : packing_add(repo, note, blob, len, &why);
	if (err)
		note_failure(outcome, err, &why);
	return err;
}

int repo_add_blob(struct repo *repo, const struct blob_note *note, const uint8_t *blob, size_t len,
	struct why *why)
{
	struct twins *twins = repo->twins;
	struct why own = {""};
	if (!twins)
		return packing_add(repo, note, blob, len, why);
	if (!twins->outcomes[0].err) {
		int err = packing_add(repo, note, blob, len, &own);
		if (err)
			note_failure(&twins->outcomes[0], err, &own);
	}
	for (size_t i = 0; i < twins->count; i++)
		if (!twins->outcomes[i + 1].err)
			add_at(twins->at[i], note, blob, len, &twins->outcomes[i + 1]);
	if (any_goes_on(twins))
		return 0;
	return why_set(why, twins->outcomes[0].err, "%s", twins->outcomes[0].why.text);
}

/* ---- bringing a point along ---- */

struct bringing {
	struct repo *from, *to;
	uint64_t *followed; /* a bit for each number of from's index */
	size_t count;
	struct why *why;
};

/* A chunk of the point: it is there, or it is brought. */
static int bring_chunk(struct bringing *b, const struct digest *digest, enum chunk_kind kind)
{
	OWN(own_free) uint8_t *bytes = NULL;
	struct digest same;
	size_t len;
	int known = repo_known(b->to, digest, b->why);
	if (known)
		return known < 0 ? known : 0;
	if (b->from == b->to)
		return why_set(b->why, -ENOENT,
			"it lacks something that only the other place has: `ebb repo sync` brings "
			"it");
	int err = repo_chunk(b->from, digest, kind, &bytes, &len, b->why);
	return err ? err : repo_put_chunk(b->to, kind, bytes, len, &same, b->why);
}

static int on_chunk(void *arg, const struct digest *digest, enum chunk_kind kind, bool leads_on)
{
	struct bringing *b = arg;
	uint32_t number;
	int err = bring_chunk(b, digest, kind);
	if (err || !leads_on)
		return err;
	int known = index_find_number(&b->from->index, digest, &number);
	if (known < 0)
		return known;
	if (!known || number >= b->count)
		return 1;
	if (bits_get(b->followed, number))
		return 0;
	bits_set(b->followed, number);
	return 1;
}

static int bring(struct repo *from, struct repo *to, const struct point *point, gc_walk_fn *walk,
	struct why *why)
{
	struct bringing b = {.from = from, .to = to, .count = index_count(&from->index)};
	OWN(own_free) uint64_t *followed = calloc(BITS_WORDS(b.count) + 1, sizeof(*followed));
	if (!followed)
		return -ENOMEM;
	b.followed = followed;
	b.why = why;
	return walk(from, point, on_chunk, &b, why);
}

/* Another place may have dropped the parent: there the point stands for itself. */
static int commit_there(struct repo *to, const struct point *point, bool in_order, struct why *why)
{
	struct point there = *point;
	if (!head_find_point(&to->head, &there.parent))
		there.parent = (struct object_id){{0}};
	return repo_commit_alone(to, &there, in_order, why);
}

/* The point is there already: only what it lacked is new, and its object stays as the head tells.
 */
static int commit_brought(struct repo *to, struct why *why)
{
	int err = repo_close_packs(to, why);
	return err || to->indexed == to->index.packs.len ? err : repo_commit_copies(to, why);
}

int repo_copy_point(struct repo *from, struct repo *to, const struct object_id *id,
	gc_walk_fn *walk, struct why *why)
{
	struct point point;
	int err = check_twin(from, to, why);
	if (!err)
		err = repo_point(from, id, &point, why);
	if (!err)
		err = bring(from, to, &point, walk, why);
	if (err)
		return err;
	return head_find_point(&to->head, id) ? commit_brought(to, why)
					      : commit_there(to, &point, true, why);
}

static void commit_twin(struct repo *repo, size_t which, const struct point *point)
{
	struct twins *twins = repo->twins;
	struct repo *twin = twins->at[which];
	struct repo_outcome *outcome = &twins->outcomes[which + 1];
	struct why why = {""};
	if (outcome->err)
		return;
	int err = repo_close_packs(twin, &why);
	if (!err)
		err = bring(twins->outcomes[0].err ? twin : repo, twin, point, twins->walk, &why);
	if (!err)
		err = commit_there(twin, point, false, &why);
	if (err)
		note_failure(outcome, err, &why);
}

int twins_commit(struct repo *repo, struct point *point, struct why *why)
{
	struct twins *twins = repo->twins;
	struct why own = {""};
	/* To the end also when we ourselves have failed: what is on its way is the twins', too. */
	int err = squeeze_finish(repo, why);
	if (err)
		return err;
	dice_fill(repo->world.dice, point->id.b, sizeof(point->id.b));
	if (!twins->outcomes[0].err) {
		err = repo_commit_alone(repo, point, false, &own);
		if (err)
			note_failure(&twins->outcomes[0], err, &own);
	}
	for (size_t i = 0; i < twins->count; i++)
		commit_twin(repo, i, point);
	if (any_goes_on(twins))
		return 0;
	return why_set(why, twins->outcomes[0].err, "%s", twins->outcomes[0].why.text);
}
