/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of the simulated disk: what is where now, what is durable, and the pending steps from
 * the one to the other.
 *
 * Invariants:
 *   1. slot.now is slot.durable after all steps of the slot, in order.
 *   2. inode.refs counts the slots that show it (now and durable apart), the places of steps that
 *      name it, and its open files; inode.links counts the slots that show it now.
 *   3. An inode is shown by one slot at most: there are no hard links.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/must.h"
#include "sim/disk_inner.h"

uint64_t names_hash(uint32_t dir, const char *leaf, size_t len)
{
	return hash64(leaf, len, dir);
}

static uint32_t find_slot(const struct sim_disk *sim, uint32_t dir, const char *leaf, size_t len)
{
	uint64_t hash = names_hash(dir, leaf, len);
	for (size_t i = 0; i < sim->slots.len; i++) {
		const struct slot *slot = &sim->slots.at[i];
		if (slot->hash == hash && slot->dir == dir && slot->len == len &&
			memcmp(slot->name, leaf, len) == 0)
			return (uint32_t)i;
	}
	return NONE;
}

int names_find(const struct sim_disk *sim, const char *path, struct place *ret_place)
{
	struct place place = {.slot = NONE, .inode = ROOT};
	if (strcmp(path, ".") == 0) {
		*ret_place = place;
		return 0;
	}
	for (;; path++) {
		if (place.inode == NONE)
			return -ENOENT;
		if (!sim->inodes.at[place.inode]->is_dir)
			return -ENOTDIR;
		place.dir = place.inode;
		place.leaf = path;
		place.len = strcspn(path, "/");
		place.slot = find_slot(sim, place.dir, path, place.len);
		place.inode = place.slot == NONE ? NONE : sim->slots.at[place.slot].now;
		path += place.len;
		if (!*path)
			break;
	}
	*ret_place = place;
	return 0;
}

int names_reserve(struct sim_disk *sim, size_t inodes, size_t slots)
{
	int err = vec_reserve(&sim->inodes, inodes);
	while (!err && sim->inodes.len < inodes) {
		struct inode *inode = calloc(1, sizeof(*inode));
		if (!inode)
			return -ENOMEM;
		sim->inodes.at[sim->inodes.len++] = inode;
	}
	if (!err)
		err = vec_reserve(&sim->slots, slots);
	while (!err && sim->slots.len < slots)
		sim->slots.at[sim->slots.len++] = (struct slot){.now = NONE, .durable = NONE};
	return err;
}

int64_t inode_new(struct sim_disk *sim, bool is_dir)
{
	size_t number = 0;
	while (number < sim->inodes.len && sim->inodes.at[number]->refs)
		number++;
	int err = names_reserve(sim, number + 1, 0);
	if (err)
		return err;
	sim->inodes.at[number]->is_dir = is_dir;
	return (int64_t)number;
}

void inode_ref(struct sim_disk *sim, uint32_t number)
{
	if (number != NONE)
		sim->inodes.at[number]->refs++;
}

void inode_unref(struct sim_disk *sim, uint32_t number)
{
	if (number == NONE)
		return;
	must(sim->inodes.at[number]->refs > 0);
	if (--sim->inodes.at[number]->refs == 0)
		inode_clear(sim->inodes.at[number]);
}

static bool slot_free(const struct slot *slot)
{
	return slot->now == NONE && slot->durable == NONE && slot->steps == 0;
}

/* The slot of a place, made when it was never there; negative: -ENOMEM. */
static int64_t slot_of(struct sim_disk *sim, const struct place *place)
{
	if (place->slot != NONE)
		return place->slot;
	size_t number = 0;
	while (number < sim->slots.len && !slot_free(&sim->slots.at[number]))
		number++;
	int err = names_reserve(sim, 0, number + 1);
	if (err)
		return err;
	struct slot *slot = &sim->slots.at[number];
	if (slot->name_cap < place->len) {
		char *grown = realloc(slot->name, place->len);
		if (!grown)
			return -ENOMEM;
		slot->name = grown;
		slot->name_cap = place->len;
	}
	memcpy(slot->name, place->leaf, place->len);
	slot->len = (uint16_t)place->len;
	slot->dir = place->dir;
	slot->hash = names_hash(place->dir, place->leaf, place->len);
	return (int64_t)number;
}

/* The new reference comes before the old one goes: it may be the same inode. */
static void show_now(struct sim_disk *sim, uint32_t slot, uint32_t inode)
{
	uint32_t before = sim->slots.at[slot].now;
	inode_ref(sim, inode);
	if (inode != NONE)
		sim->inodes.at[inode]->links++;
	sim->slots.at[slot].now = inode;
	if (before != NONE)
		sim->inodes.at[before]->links--;
	inode_unref(sim, before);
}

static int add_step(struct sim_disk *sim, struct step step)
{
	int err = vec_reserve(&sim->stands, sim->steps.len + 1); /* names_sync() cannot fail */
	if (!err)
		err = vec_push(&sim->steps, step);
	if (err)
		return err;
	for (int i = 0; i < 2 && step.slot[i] != NONE; i++) {
		inode_ref(sim, step.to[i]);
		sim->slots.at[step.slot[i]].steps++;
	}
	/* In this order a renamed inode is never without a link. */
	for (int i = 1; i >= 0; i--)
		if (step.slot[i] != NONE)
			show_now(sim, step.slot[i], step.to[i]);
	return 0;
}

int names_create(struct sim_disk *sim, const struct place *place, bool is_dir, uint32_t *ret_inode)
{
	int64_t slot = slot_of(sim, place);
	if (slot < 0)
		return (int)slot;
	int64_t inode = inode_new(sim, is_dir);
	if (inode < 0)
		return (int)inode;
	int err = add_step(sim,
		(struct step){.slot = {(uint32_t)slot, NONE},
			.to = {(uint32_t)inode, NONE},
			.makes = is_dir ? (uint32_t)inode : NONE,
			.empties = NONE});
	if (!err)
		*ret_inode = (uint32_t)inode;
	return err;
}

int names_remove(struct sim_disk *sim, const struct place *place)
{
	bool is_dir = sim->inodes.at[place->inode]->is_dir;
	return add_step(sim,
		(struct step){.slot = {place->slot, NONE},
			.to = {NONE, NONE},
			.makes = NONE,
			.empties = is_dir ? place->inode : NONE});
}

int names_rename(struct sim_disk *sim, const struct place *from, const struct place *to)
{
	int64_t slot = slot_of(sim, to);
	if (slot < 0)
		return (int)slot;
	bool is_dir = sim->inodes.at[from->inode]->is_dir;
	return add_step(sim,
		(struct step){.slot = {from->slot, (uint32_t)slot},
			.to = {NONE, from->inode},
			.makes = NONE,
			.empties = is_dir ? to->inode : NONE,
			.moves_dir = is_dir});
}

bool names_empty(const struct sim_disk *sim, uint32_t dir)
{
	vec_each (slot, &sim->slots)
		if (slot->now != NONE && slot->dir == dir)
			return false;
	return true;
}

/* May the step be applied, with all before it that were? */
static bool step_possible(const struct sim_disk *sim, const struct step *step,
	const struct sim_disk *scratch, bool moves_blocked)
{
	if (step->moves_dir && moves_blocked)
		return false;
	if (step->empties != NONE && scratch->inodes.at[step->empties]->blocked)
		return false;
	for (int i = 0; i < 2 && step->slot[i] != NONE; i++) {
		uint32_t slot = step->slot[i];
		if (scratch->slots.at[slot].blocked ||
			scratch->inodes.at[sim->slots.at[slot].dir]->unborn)
			return false;
	}
	return true;
}

static void step_undone(
	const struct sim_disk *sim, const struct step *step, struct sim_disk *scratch)
{
	if (step->makes != NONE)
		scratch->inodes.at[step->makes]->unborn = true;
	for (int i = 0; i < 2 && step->slot[i] != NONE; i++) {
		uint32_t slot = step->slot[i];
		scratch->slots.at[slot].blocked = true;
		scratch->inodes.at[sim->slots.at[slot].dir]->blocked = true;
	}
}

int names_walk(const struct sim_disk *sim, sim_choose *choose, void *arg, struct sim_disk *scratch)
{
	int err = vec_reserve(&scratch->stands, sim->steps.len);
	if (err || sim->steps.len == 0)
		return err;
	for (size_t i = 0; i < sim->inodes.len; i++)
		scratch->inodes.at[i]->unborn = scratch->inodes.at[i]->blocked = false;
	for (size_t i = 0; i < sim->slots.len; i++)
		scratch->slots.at[i].blocked = false;
	bool moves_blocked = false;
	for (size_t i = 0; i < sim->steps.len; i++) {
		const struct step *step = &sim->steps.at[i];
		bool stands = step_possible(sim, step, scratch, moves_blocked) &&
			(step->synced || (choose && choose(arg, SIM_THING_NAME, 2) == 1));
		scratch->stands.at[i] = stands;
		if (stands)
			continue;
		step_undone(sim, step, scratch);
		moves_blocked |= step->moves_dir;
	}
	return 0;
}

/*
 * Marks the steps that the sync of `dir` covers: those of its names, and going backwards all that
 * they build on. Uses the scratch flag of slots for "needed by a later marked step", that of
 * folders for "to be empty".
 */
static void mark_covered(struct sim_disk *sim, uint32_t dir)
{
	bool moves_needed = false;
	vec_each (slot, &sim->slots)
		slot->blocked = slot->dir == dir;
	vec_each (inode, &sim->inodes)
		(*inode)->blocked = false;
	for (size_t i = sim->steps.len; i-- > 0;) {
		struct step *step = &sim->steps.at[i];
		bool covered = step->moves_dir && moves_needed;
		for (int j = 0; j < 2 && step->slot[j] != NONE; j++) {
			const struct slot *slot = &sim->slots.at[step->slot[j]];
			covered |= slot->blocked || sim->inodes.at[slot->dir]->blocked;
		}
		step->marked = covered;
		if (!covered)
			continue;
		for (int j = 0; j < 2 && step->slot[j] != NONE; j++)
			sim->slots.at[step->slot[j]].blocked = true;
		if (step->empties != NONE)
			sim->inodes.at[step->empties]->blocked = true;
		moves_needed |= step->moves_dir;
	}
}

static bool shares_slot(const struct step *a, uint32_t slot)
{
	return slot != NONE && (a->slot[0] == slot || a->slot[1] == slot);
}

static bool is_plain(const struct step *step)
{
	return step->makes == NONE && step->empties == NONE && !step->moves_dir;
}

/* Is each name of a lost step set again by a later one that becomes durable? */
static bool set_anew(const struct sim_disk *sim, size_t number)
{
	const struct step *step = &sim->steps.at[number];
	for (int i = 0; i < 2 && step->slot[i] != NONE; i++) {
		size_t late = number + 1;
		while (late < sim->steps.len &&
			!(sim->steps.at[late].settled && !sim->steps.at[late].lost &&
				shares_slot(&sim->steps.at[late], step->slot[i])))
			late++;
		if (late == sim->steps.len)
			return false;
	}
	return true;
}

/* Does a step stand that is to be durable, and move nothing that a lost one brought? */
static bool sound(const struct sim_disk *sim, size_t number)
{
	const struct step *step = &sim->steps.at[number];
	bool source_lost = false;
	for (size_t i = 0; i < number; i++) {
		const struct step *early = &sim->steps.at[i];
		for (int j = 0; j < 2 && step->slot[j] != NONE; j++) {
			if (early->makes == sim->slots.at[step->slot[j]].dir)
				return false;
			if (shares_slot(early, step->slot[j]) && !early->settled)
				return false;
		}
		if (step->slot[1] != NONE && shares_slot(early, step->slot[0]))
			source_lost = early->lost;
	}
	return !source_lost;
}

/* Lost steps all of whose names were set anew count no more: what came later covers them. */
static void settle_lost(struct sim_disk *sim)
{
	vec_each (step, &sim->steps)
		step->settled = is_plain(step) && (step->lost || step->synced);
	for (bool again = true; again;) {
		again = false;
		for (size_t i = 0; i < sim->steps.len; i++) {
			struct step *step = &sim->steps.at[i];
			if (!step->settled || (step->lost ? set_anew(sim, i) : sound(sim, i)))
				continue;
			step->settled = false;
			again = true;
		}
	}
	vec_each (step, &sim->steps) {
		if (!step->lost || !step->settled)
			continue;
		step->lost = false;
		step->synced = true;
	}
}

/* Moves a step's effect into what is durable and lets its references go. */
static void fold(struct sim_disk *sim, const struct step *step)
{
	for (int i = 0; i < 2 && step->slot[i] != NONE; i++) {
		struct slot *slot = &sim->slots.at[step->slot[i]];
		uint32_t before = slot->durable;
		slot->durable = step->to[i]; /* takes over the step's reference */
		slot->steps--;
		inode_unref(sim, before);
	}
}

/* Folds what no crash can take back any more. */
static void fold_sure(struct sim_disk *sim)
{
	size_t kept = 0;
	must(names_walk(sim, NULL, NULL, sim) == 0);
	for (size_t i = 0; i < sim->steps.len; i++) {
		if (sim->stands.at[i])
			fold(sim, &sim->steps.at[i]);
		else
			sim->steps.at[kept++] = sim->steps.at[i];
	}
	sim->steps.len = kept;
}

void names_sync(struct sim_disk *sim, uint32_t dir, bool lose)
{
	mark_covered(sim, dir);
	vec_each (step, &sim->steps) {
		if (!step->marked)
			continue;
		/* What an earlier sync holds ready waits for its folder's name, and stays so. */
		if (lose)
			step->lost |= !step->synced;
		else
			step->synced |= !step->lost;
	}
	fold_sure(sim);
	if (!lose) {
		settle_lost(sim);
		fold_sure(sim);
	}
}
