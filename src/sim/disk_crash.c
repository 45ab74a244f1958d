/* SPDX-License-Identifier: Apache-2.0 */
/* What a crash leaves of a simulated disk, and numbers that tell one content from another. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/must.h"
#include "sim/disk_inner.h"

static uint64_t ask(sim_choose *choose, void *arg, enum sim_thing thing, uint64_t options)
{
	uint64_t answer = options > 1 ? choose(arg, thing, options) : 0;
	must(answer < options);
	return answer;
}

/* Copies the chosen version of a sector, 0 being the durable one; answers its hash. */
static uint64_t copy_version(
	const struct inode *from, const struct pending *pending, uint64_t choice, struct inode *to)
{
	if (choice == pending->options - 1)
		return pending->hash; /* the file's own bytes, which were copied as a whole */
	uint32_t place = pending->newest;
	for (uint64_t i = pending->options - 1; i > choice + 1; i--)
		place = from->versions.at[place].before;
	const struct version *version = &from->versions.at[place];
	memcpy(to->bytes + pending->sector * SIM_SECTOR, version->bytes, SIM_SECTOR);
	return version->hash;
}

/* Asks for the size, then for each sector below it, in the order of their first change. */
static int crash_bytes(
	const struct inode *from, sim_choose *choose, void *arg, struct inode *to, uint64_t *image)
{
	uint64_t size = from->size;
	if (from->sizes.len)
		size = from->sizes.at[ask(choose, arg, SIM_THING_SIZE, from->sizes.len)];
	uint64_t held = size < from->cap ? size : from->cap;
	uint64_t before = to->size > to->stale ? to->size : to->stale;
	int err = inode_reserve(to, held);
	if (err)
		return err;
	*image = hash_fold(*image, size);
	if (held)
		memcpy(to->bytes, from->bytes, held);
	vec_each (pending, &from->pendings) {
		uint64_t start = pending->sector * SIM_SECTOR;
		if (start >= size)
			continue;
		if (before < start + SIM_SECTOR)
			before = start + SIM_SECTOR;
		uint64_t choice = ask(choose, arg, SIM_THING_SECTOR, pending->options);
		*image = hash_fold(*image, copy_version(from, pending, choice, to));
	}
	if (before > to->cap)
		before = to->cap;
	if (held < before)
		memset(to->bytes + held, 0, before - held);
	to->size = size;
	to->stale = 0;
	return 0;
}

/* Nothing that an earlier use of the disk had pending stays; bytes do, to be overwritten. */
static void forget(struct sim_disk *to)
{
	vec_each (slot, &to->slots) {
		slot->now = slot->durable = NONE;
		slot->steps = 0;
		slot->len = 0; /* matches no name */
	}
	vec_each (inode, &to->inodes) {
		vec_each (pending, &(*inode)->pendings)
			(*inode)->pending_of[pending->sector] = 0;
		(*inode)->pendings.len = (*inode)->versions.len = (*inode)->sizes.len = 0;
		(*inode)->size_lost = false;
		(*inode)->refs = (*inode)->links = 0;
		(*inode)->reached = false;
		must((*inode)->opens == 0);
	}
	to->steps.len = 0;
	to->inodes.at[ROOT]->refs = 1;
	to->inodes.at[ROOT]->reached = true;
}

static int copy_name(const struct slot *from, struct slot *to)
{
	if (to->name_cap < from->len) {
		char *grown = realloc(to->name, from->len);
		if (!grown)
			return -ENOMEM;
		to->name = grown;
		to->name_cap = from->len;
	}
	memcpy(to->name, from->name, from->len);
	to->hash = from->hash;
	to->dir = from->dir;
	to->len = from->len;
	return 0;
}

/* Marks what can be reached from the root by durable names: a folder may stand after its names. */
static void mark_reached(const struct sim_disk *from, struct sim_disk *to)
{
	bool again = true;
	while (again) {
		again = false;
		for (size_t i = 0; i < from->slots.len; i++) {
			uint32_t inode = to->slots.at[i].durable;
			if (inode == NONE || to->inodes.at[inode]->reached ||
				!to->inodes.at[from->slots.at[i].dir]->reached)
				continue;
			to->inodes.at[inode]->reached = true;
			again |= from->inodes.at[inode]->is_dir;
		}
	}
}

/* Decides which names there are; afterwards inodes that have one are `reached`. */
static int crash_names(
	const struct sim_disk *from, sim_choose *choose, void *arg, struct sim_disk *to)
{
	int err = names_reserve(to, from->inodes.len, from->slots.len);
	if (err)
		return err;
	forget(to);
	err = names_walk(from, choose, arg, to);
	if (err)
		return err;
	for (size_t i = 0; i < from->slots.len; i++)
		to->slots.at[i].durable = from->slots.at[i].durable;
	for (size_t i = 0; i < from->steps.len; i++) {
		const struct step *step = &from->steps.at[i];
		for (int j = 0; to->stands.at[i] && j < 2 && step->slot[j] != NONE; j++)
			to->slots.at[step->slot[j]].durable = step->to[j];
	}
	mark_reached(from, to);
	return 0;
}

/* Makes the chosen names those of the new disk and drops what is out of reach. */
static int settle_names(const struct sim_disk *from, struct sim_disk *to)
{
	for (size_t i = 0; i < from->slots.len; i++) {
		struct slot *slot = &to->slots.at[i];
		if (slot->durable == NONE)
			continue;
		if (!to->inodes.at[from->slots.at[i].dir]->reached) {
			slot->durable = NONE;
			continue;
		}
		int err = copy_name(&from->slots.at[i], slot);
		if (err)
			return err;
		struct inode *inode = to->inodes.at[slot->durable];
		inode->is_dir = from->inodes.at[slot->durable]->is_dir;
		inode->links = 1;
		inode->refs = 2;
		slot->now = slot->durable;
		to->image = hash_fold(hash_fold(to->image, i), slot->now);
	}
	return 0;
}

int sim_disk_crash(const struct sim_disk *from, sim_choose *choose, void *arg, struct sim_disk *to)
{
	int err = crash_names(from, choose, arg, to);
	if (err)
		return err;
	to->image = 0;
	to->capacity = from->capacity;
	err = settle_names(from, to);
	for (size_t i = 0; !err && i < to->inodes.len; i++) {
		struct inode *inode = to->inodes.at[i];
		if (inode->reached && !inode->is_dir)
			err = crash_bytes(from->inodes.at[i], choose, arg, inode, &to->image);
		else
			inode_clear(inode);
	}
	return err;
}

uint64_t sim_disk_image(const struct sim_disk *sim)
{
	return sim->image;
}

/* Products and sums of counts stay at the limit once they reach it. */
static uint64_t times(uint64_t a, uint64_t b, uint64_t limit)
{
	return b && a > limit / b ? limit : a * b;
}

/* How many ways the bytes of one file may go. */
static uint64_t count_bytes(const struct inode *inode, uint64_t limit)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < inode->sizes.len || i == 0; i++) {
		uint64_t size = inode->sizes.len ? inode->sizes.at[i] : inode->size;
		uint64_t ways = 1;
		vec_each (pending, &inode->pendings)
			if (pending->sector * SIM_SECTOR < size)
				ways = times(ways, pending->options, limit);
		sum = ways > limit - sum ? limit : sum + ways;
	}
	return sum;
}

/* Counts in binary with as many digits as there are questions: all ways that names may go. */
struct binary {
	uint64_t digits; /* those that were 1 the last time, the first question lowest */
	unsigned asked;
};

static uint64_t next_digit(void *arg, enum sim_thing thing, uint64_t options)
{
	struct binary *binary = arg;
	must(thing == SIM_THING_NAME && options == 2);
	return binary->asked < 64 ? binary->digits >> binary->asked++ & 1 : 0;
}

/* The last question that was answered 0 becomes 1, those after it are asked afresh. */
static bool step_binary(struct binary *binary)
{
	unsigned i = binary->asked;
	while (i > 0 && (binary->digits >> (i - 1) & 1))
		i--;
	if (i == 0)
		return false;
	uint64_t below = (UINT64_C(1) << (i - 1)) - 1;
	binary->digits = (binary->digits & below) | (UINT64_C(1) << (i - 1));
	binary->asked = 0;
	return true;
}

uint64_t sim_disk_crash_count(const struct sim_disk *from, uint64_t limit, struct sim_disk *scratch)
{
	struct binary names = {0};
	uint64_t sum = 0;
	do {
		if (crash_names(from, next_digit, &names, scratch))
			return 0;
		uint64_t ways = 1;
		for (size_t i = 0; i < from->inodes.len; i++)
			if (scratch->inodes.at[i]->reached)
				ways = times(ways, count_bytes(from->inodes.at[i], limit), limit);
		sum = ways > limit - sum ? limit : sum + ways;
	} while (sum < limit && step_binary(&names));
	return sum;
}

/* The path of a slot, folded from the root down. */
static uint64_t path_hash(const struct sim_disk *sim, const struct slot *slot)
{
	uint64_t above = 0;
	vec_each (up, &sim->slots)
		if (slot->dir != ROOT && up->now == slot->dir)
			above = path_hash(sim, up);
	return hash64(slot->name, slot->len, above);
}

uint64_t sim_disk_hash(const struct sim_disk *sim)
{
	uint64_t sum = 0; /* order does not count: a sum of hashes */
	vec_each (slot, &sim->slots) {
		if (slot->now == NONE)
			continue;
		const struct inode *inode = sim->inodes.at[slot->now];
		uint64_t path = path_hash(sim, slot);
		uint64_t held = inode->size < inode->cap ? inode->size : inode->cap;
		while (held && inode->bytes[held - 1] == 0)
			held--; /* what was never allocated reads as zeros too */
		uint64_t bytes = hash64(held ? inode->bytes : (const uint8_t *)"", held, path);
		sum += hash_fold(hash_fold(bytes, inode->size), inode->is_dir);
	}
	return sum;
}

int sim_disk_flip(struct sim_disk *sim, const char *name, uint64_t at, uint8_t mask)
{
	struct place place;
	if (!disk_name_ok(name))
		return -EINVAL;
	int err = names_find(sim, name, &place);
	if (err)
		return err;
	if (place.inode == NONE)
		return -ENOENT;
	struct inode *inode = sim->inodes.at[place.inode];
	if (inode->is_dir || at >= inode->size || at >= inode->cap)
		return -EINVAL;
	uint64_t sector = at / SIM_SECTOR;
	inode->bytes[at] ^= mask;
	if (sector >= inode->pending_cap || !inode->pending_of[sector])
		return 0;
	struct pending *pending = &inode->pendings.at[inode->pending_of[sector] - 1];
	pending->hash = hash64(inode->bytes + sector * SIM_SECTOR, SIM_SECTOR, 0);
	for (uint32_t i = pending->newest; i != NONE; i = inode->versions.at[i].before) {
		struct version *version = &inode->versions.at[i];
		version->bytes[at % SIM_SECTOR] ^= mask;
		version->hash = hash64(version->bytes, SIM_SECTOR, 0);
	}
	return 0;
}
