/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a key that may only write remembers by itself, since it cannot look: which chunks it has
 * brought to the place, its last point of each resource, and the trees of those. It is a cache,
 * sealed to this client; without it, or with a damaged one, everything is read and sent again.
 *
 * One thread for each repository.
 */
#ifndef EBB_REPO_CLIENT_H
#define EBB_REPO_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct object_id;
struct repo;
struct why;

/*
 * Takes in what an earlier run saved, right after repo_open(). What lay in packs that are gone from
 * the place is forgotten. -EBADMSG: not of this client and repository, or damaged: nothing is
 * known.
 */
int repo_client_load(struct repo *repo, const uint8_t *bytes, size_t len, struct why *why);

/*
 * What is to be known next time; after repo_commit(). Without `packs` chunks are not known again:
 * for what is new each time, so that the memory stays small. Gives the bytes.
 */
int repo_client_save(struct repo *repo, bool packs, uint8_t **ret_bytes, size_t *ret_len);

/*
 * Until then a run that is killed leaves notes: one for each pack, kept before the pack goes to the
 * place. They are for the next run, and of no use when it has saved.
 */
struct client_notes {
	/* Durable when it returns. Without a note the pack is sent again: no error. */
	void (*keep)(void *arg, const struct object_id *pack, const uint8_t *bytes, size_t len);
	/*
	 * Raises a number above all that were used with this key, and holds up others who ask,
	 * until release(): so that what is said later has the higher number. Both NULL: nobody else
	 * does.
	 */
	int (*raise)(void *arg, uint64_t *number, struct why *why);
	void (*release)(void *arg);
	void *arg;
};

/* Right after repo_open(). */
void repo_client_set_notes(struct repo *repo, const struct client_notes *notes);

/*
 * After repo_client_load(). When the pack is at the place as it was noted, nothing in it is sent
 * again, and the next commit tells of it. -EBADMSG: no note of this client and repository.
 */
int repo_client_take_note(struct repo *repo, const uint8_t *bytes, size_t len, struct why *why);

#endif
