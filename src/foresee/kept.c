/* SPDX-License-Identifier: Apache-2.0 */
/* One model, one file. */
#include "foresee/kept.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/why.h"
#include "model/network.h"
#include "model/shelf.h"
#include "os/disk.h"
#include "series/name.h"
#include "store/whole.h"

enum {
	HEAD = 16, /* until, lengths of name and shelf */
	WORD_FLOATS = (1 + AHEAD_QUANTILES + EXPERTS) * HISTORY_DAY,
	WORD = 8 + 4 * WORD_FLOATS,
	WORDS = RECORD_PENDING * WORD,
	KEPT_MAX = HEAD + NAME_TEXT + SHELF_MAX + WORDS,
	PATH = 32,
};

#define NETWORK_PATH "models/network"

static const struct label label = {.kind = "MODL", .version = 1};

/* Beyond what hours can be (model/history.h) by more than any band reaches. */
static const float sane = 1e22F;

static void path_of(uint32_t id, char path[PATH])
{
	snprintf(path, PATH, "models/%08x", id);
}

static void put_floats(const float *from, size_t count, uint8_t *bytes)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t bits;
		memcpy(&bits, &from[i], sizeof(bits));
		put_le32(bytes + 4 * i, bits);
	}
}

/* What nobody said is a NaN where `gaps` are allowed. */
static bool get_floats(const uint8_t *bytes, size_t count, bool gaps, float *ret)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t bits = get_le32(bytes + 4 * i);
		memcpy(&ret[i], &bits, sizeof(bits));
		if (!(fabsf(ret[i]) <= sane) && !(gaps && isnan(ret[i])))
			return false;
	}
	return true;
}

static void put_word(const struct pending *word, uint8_t *bytes)
{
	put_le64(bytes, (uint64_t)word->start);
	bytes += 8;
	put_floats(word->mix, HISTORY_DAY, bytes);
	bytes += 4 * HISTORY_DAY;
	put_floats(word->quantile[0], AHEAD_QUANTILES * HISTORY_DAY, bytes);
	bytes += 4 * AHEAD_QUANTILES * HISTORY_DAY;
	put_floats(word->by[0], EXPERTS * HISTORY_DAY, bytes);
}

static bool get_word(const uint8_t *bytes, struct pending *ret)
{
	uint64_t start = get_le64(bytes);
	if (start > INT32_MAX)
		return false;
	ret->start = (int64_t)start;
	bytes += 8;
	const uint8_t *quantiles = bytes + 4 * HISTORY_DAY;
	const uint8_t *by = quantiles + 4 * AHEAD_QUANTILES * HISTORY_DAY;
	return get_floats(bytes, HISTORY_DAY, false, ret->mix) &&
		get_floats(quantiles, AHEAD_QUANTILES * HISTORY_DAY, false, ret->quantile[0]) &&
		get_floats(by, EXPERTS * HISTORY_DAY, true, ret->by[0]);
}

static int make_folder(struct disk *disk, struct why *why)
{
	int err = disk_mkdir(disk, "models");
	if (err == -EEXIST)
		return 0;
	if (!err)
		err = disk_sync_dir(disk, ".");
	return err ? why_errno(why, err, "models: cannot be made") : 0;
}

int kept_write(const struct kept *kept, const struct fed *fed, struct why *why)
{
	OWN(own_free) uint8_t *bytes = malloc(KEPT_MAX);
	char path[PATH];
	size_t name_len = strlen(kept->name);
	if (!bytes)
		return why_set(why, -ENOMEM, "out of memory");
	if (name_len >= NAME_TEXT)
		return why_set(why, -EFBIG, "a name of %zu bytes", name_len);
	int err = make_folder(kept->disk, why);
	if (err)
		return err;
	memcpy(bytes + HEAD, kept->name, name_len);
	size_t shelf = shelf_write(fed->model, bytes + HEAD + name_len);
	put_le64(bytes, (uint64_t)fed->until_ms);
	put_le32(bytes + 8, (uint32_t)name_len);
	put_le32(bytes + 12, (uint32_t)shelf);
	size_t len = HEAD + name_len + shelf;
	for (size_t i = 0; i < RECORD_PENDING; i++, len += WORD)
		put_word(&fed->model->record.pending[i], bytes + len);
	struct whole content = {.label = label, .bytes = bytes, .len = len};
	memcpy(content.label.identity, kept->identity, IDENTITY_SIZE);
	path_of(fed->id, path);
	return whole_write(kept->disk, path, &content, why);
}

static int take(const struct kept *kept, const struct whole *content, const char *path,
	struct fed *fed, struct why *why)
{
	OWN(own_free) struct model *model = calloc(1, sizeof(*model));
	const uint8_t *bytes = content->bytes;
	if (!model)
		return why_set(why, -ENOMEM, "out of memory");
	if (content->len < HEAD + WORDS)
		return why_set(why, -EBADMSG, "%s: too short", path);
	uint64_t until = get_le64(bytes);
	size_t name_len = get_le32(bytes + 8), shelf = get_le32(bytes + 12);
	if (name_len >= NAME_TEXT || shelf > SHELF_MAX ||
		content->len != HEAD + name_len + shelf + WORDS || until > INT64_MAX / 1000000 ||
		until % HOUR_MS)
		return why_set(why, -EBADMSG, "%s: lengths that cannot be", path);
	if (name_len != strlen(kept->name) || memcmp(bytes + HEAD, kept->name, name_len) != 0)
		return why_set(why, -ENOENT, "%s: of another series", path);
	const uint8_t *words = bytes + HEAD + name_len + shelf;
	int err = shelf_read(bytes + HEAD + name_len, shelf, model, why);
	if (err)
		return why_prefix(why, err == -EPROTO ? -ENOTSUP : -EBADMSG, "%s", path);
	for (size_t i = 0; i < RECORD_PENDING; i++)
		if (!get_word(words + i * WORD, &model->record.pending[i]))
			return why_set(why, -EBADMSG, "%s: no words of a model", path);
	*fed->model = *model;
	fed->until_ms = (int64_t)until;
	return 0;
}

int kept_read(const struct kept *kept, struct fed *fed, struct why *why)
{
	OWN(whole_done) struct whole content = {0};
	struct label want = label;
	char path[PATH];
	memcpy(want.identity, kept->identity, IDENTITY_SIZE);
	path_of(fed->id, path);
	int err = whole_read(kept->disk, path, &want, &content, why);
	return err ? err : take(kept, &content, path, fed, why);
}

/* ---- the network ---- */

static const struct label network_label = {.kind = "MNET", .version = 1};

int kept_network_write(const struct kept *kept, const struct network *network, struct why *why)
{
	OWN(own_free) double *numbers = malloc(NETWORK_NUMBERS * sizeof(*numbers));
	OWN(own_free) uint8_t *bytes = malloc(8 * NETWORK_NUMBERS);
	struct whole content = {.label = network_label, .bytes = bytes, .len = 8 * NETWORK_NUMBERS};
	if (!numbers || !bytes)
		return why_set(why, -ENOMEM, "out of memory");
	int err = make_folder(kept->disk, why);
	if (err)
		return err;
	network_save(network, numbers);
	for (size_t i = 0; i < NETWORK_NUMBERS; i++) {
		uint64_t bits;
		memcpy(&bits, &numbers[i], sizeof(bits));
		put_le64(bytes + 8 * i, bits);
	}
	memcpy(content.label.identity, kept->identity, IDENTITY_SIZE);
	return whole_write(kept->disk, NETWORK_PATH, &content, why);
}

int kept_network_read(const struct kept *kept, struct network *network, struct why *why)
{
	OWN(whole_done) struct whole content = {0};
	OWN(own_free) double *numbers = malloc(NETWORK_NUMBERS * sizeof(*numbers));
	struct label want = network_label;
	if (!numbers)
		return why_set(why, -ENOMEM, "out of memory");
	memcpy(want.identity, kept->identity, IDENTITY_SIZE);
	int err = whole_read(kept->disk, NETWORK_PATH, &want, &content, why);
	if (err)
		return err;
	const uint8_t *bytes = content.bytes;
	for (size_t i = 0; content.len == 8 * NETWORK_NUMBERS && i < NETWORK_NUMBERS; i++) {
		uint64_t bits = get_le64(bytes + 8 * i);
		memcpy(&numbers[i], &bits, sizeof(bits));
	}
	if (content.len != 8 * NETWORK_NUMBERS || !network_load(network, numbers))
		return why_set(why, -EBADMSG, "%s: no network", NETWORK_PATH);
	return 0;
}
