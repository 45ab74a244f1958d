/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of a repository: adding one, taking one away, and beginning a new epoch. The list of
 * keys stands in the head (repo_head()->keys).
 *
 * Each is one new head; until it is there all is as before. A run that was cut short is run again.
 * Calls block. One thread for each repository; other processes may do the same meanwhile.
 */
#ifndef EBB_REPO_KEYS_H
#define EBB_REPO_KEYS_H

#include "chunk/object.h"
#include "chunk/passphrase.h"
#include "repo/slot.h"

struct repo;
struct why;

struct key_new {
	enum slot_type type;
	const char *label; /* words for people, sealed; NULL: none */
	const struct unlock *unlock;
	struct passphrase_cost cost; /* of a passphrase */
};

/* Gives the new key's id. -EACCES: the key in use may only write. */
int repo_key_add(
	struct repo *repo, const struct key_new *key, struct object_id *ret_id, struct why *why);

/*
 * Takes a key away: it opens nothing from now on, and a writer's inboxes are refused. Whoever kept
 * it and what it opened reads on until the keys rotate. -ENOENT: there is none; -EPERM: it is the
 * last one that reads, or the one in use.
 */
int repo_key_rm(struct repo *repo, const struct object_id *id, struct why *why);

/*
 * Begins a new epoch: what is written from now on is sealed to keys that only the present holders
 * get. What is there stays readable.
 */
int repo_key_rotate(struct repo *repo, struct why *why);

/* "passphrase", "secret", "recovery", "write-only". */
const char *repo_key_type(uint8_t type);

#endif
