/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a repository opened with a key that may only write asks of its memory instead of the place.
 * For this room only.
 *
 * One thread for each repository.
 */
#ifndef EBB_REPO_CLIENT_INNER_H
#define EBB_REPO_CLIENT_INNER_H

#include "repo/fields.h"
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

/* Bytes that only this client reads, after eight that say what they are. Gives the bytes. */
int client_seal(struct repo *repo, const char what[8], const struct fields_out *plain,
	uint8_t **ret_bytes, size_t *ret_len);
int client_open(struct repo *repo, const char what[8], const uint8_t *bytes, size_t len,
	uint8_t **ret_plain, size_t *ret_len);

/* A pack is all sealed and goes to the place next. Nothing for keys that read. */
void client_note_pack(struct repo *repo, enum object_kind kind, const struct pack_result *pack);

/* The point is in the inbox under that number. */
int client_commit(struct repo *repo, const struct point *point, uint64_t number);

#endif
