/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks in: named, looked up, and when they are new on their way into a pack. */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/why.h"
#include "repo/client_inner.h"
#include "repo/inner.h"

/* Below these lengths the way to another thread costs more than compressing, or naming, there. */
enum { CREW_FROM = 4096, NAMED_FROM = 64 << 10 };

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
		err = repo->world.crew && len >= CREW_FROM
			? squeeze_named(repo, &note, bytes, len, why)
			: pack_here(repo, &note, bytes, len, why);
		if (err)
			return err;
		repo->written.new_chunks++;
		repo->written.new_bytes += len;
	}
	*ret_digest = note.digest;
	return 0;
}

int repo_put_content(
	struct repo *repo, const void *bytes, size_t len, struct digest_list *list, struct why *why)
{
	struct digest none = {{0}};
	int err = vec_push(list, none);
	if (err)
		return err;
	if (repo->world.crew && len >= NAMED_FROM)
		return squeeze_unnamed(repo, bytes, len, list, why);
	return repo_put_chunk(repo, CHUNK_CONTENT, bytes, len, &list->at[list->len - 1], why);
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
