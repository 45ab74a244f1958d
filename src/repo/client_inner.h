/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a repository opened with a key that may only write asks of its memory instead of the place.
 * For this room only.
 *
 * One thread for each repository.
 */
#ifndef EBB_REPO_CLIENT_INNER_H
#define EBB_REPO_CLIENT_INNER_H

#include "repo/inner.h"

int client_new(struct client **ret_client);
void client_free(struct client *client);

/* A chunk was put: trees and lists are remembered. */
int client_note(struct repo *repo, const struct blob_note *note, const void *bytes, size_t len);

/* repo_chunk() and repo_point() out of the memory. */
int client_chunk(struct repo *repo, const struct digest *digest, enum chunk_kind kind,
	uint8_t **ret_bytes, size_t *ret_len, struct why *why);
int client_point(
	struct repo *repo, const struct object_id *id, struct point *ret_point, struct why *why);

/* A number above that of the last inbox. */
uint64_t client_next_number(struct repo *repo);

/* The point is in the inbox under that number. */
int client_commit(struct repo *repo, const struct point *point, uint64_t number);

#endif
