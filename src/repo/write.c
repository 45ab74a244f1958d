/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks in: named, looked up, and when they are new on their way into a pack. */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/why.h"
#include "repo/client_inner.h"
#include "repo/inner.h"

/* Below this length the way to another thread and back costs more than naming there. */
enum { NAMED_FROM = 64 << 10 };

/* Compressed here, by whoever calls. */
static int pack_here(struct repo *repo, const struct blob_note *note, const void *bytes, size_t len,
	struct why *why)
{
	size_t blob_len;
	OWN(own_free) uint8_t *blob = malloc(codec_bound(len));
	if (!blob)
		return -ENOMEM;
	int err = codec_pack(repo->codec, bytes, len, blob, &blob_len);
	if (err)
		return why_errno(why, err, "compressing a chunk");
	return repo_add_blob(repo, note, blob, blob_len, why);
}

int repo_known(struct repo *repo, const struct digest *digest, struct why *why)
{
	int known = repo_rely(repo, digest);
	if (known)
		return known < 0 ? why_errno(why, known, "reading the index") : known;
	int err = twins_without_us(repo) ? 0 : repo_adopt(repo, why);
	if (err)
		err = twins_on_failure(repo, err, why);
	return err ? err : repo_rely(repo, digest);
}

int repo_put_chunk(struct repo *repo, enum chunk_kind kind, const void *bytes, size_t len,
	struct digest *ret_digest, struct why *why)
{
	struct blob_note note = {.kind = kind};
	int err = digest_of(repo->digester, kind, bytes, len, &note.digest);
	if (err)
		return why_errno(why, err, "naming a chunk");
	int known = repo_known(repo, &note.digest, why);
	if (known < 0)
		return known;
	if (repo->client && (err = client_note(repo, &note, bytes, len)))
		return err;
	if (!known) {
		err = repo->world.crew ? squeeze_named(repo, &note, bytes, len, why)
				       : pack_here(repo, &note, bytes, len, why);
		if (err)
			return err;
		repo->written.new_chunks++;
		repo->written.new_bytes += len;
	}
	*ret_digest = note.digest;
	return 0;
}

int repo_room(struct repo *repo, size_t len, uint8_t **ret_room, struct why *why)
{
	if (repo->world.crew)
		return squeeze_room(repo, len, ret_room, why);
	uint8_t *room = malloc(len);
	if (!room)
		return why_errno(why, -ENOMEM, "making room for a chunk");
	*ret_room = room;
	return 0;
}

void repo_room_back(struct repo *repo, uint8_t *room)
{
	if (repo->world.crew)
		squeeze_room_back(repo, room);
	else
		free(room);
}

int repo_put_content(
	struct repo *repo, uint8_t **room, size_t len, struct digest_list *list, struct why *why)
{
	struct digest none = {{0}};
	int err = vec_push(list, none);
	if (err)
		return err;
	if (!repo->world.crew || len < NAMED_FROM)
		return repo_put_chunk(
			repo, CHUNK_CONTENT, *room, len, &list->at[list->len - 1], why);
	squeeze_unnamed(repo, TAKE(*room), len, list);
	return 0;
}

int repo_settle(struct repo *repo, struct why *why)
{
	return squeeze_settle(repo, why);
}

struct repo_written repo_written(const struct repo *repo)
{
	return repo->written;
}

int repo_close_packs(struct repo *repo, struct why *why)
{
	int err = squeeze_finish(repo, why);
	return err ? err : packing_finish(repo, why);
}
