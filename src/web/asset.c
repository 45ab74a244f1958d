/* SPDX-License-Identifier: Apache-2.0 */
/* By name: what is built in, or what lies in the folder. */
#include "web/asset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/own.h"
#include "os/disk.h"
#include "os/files.h"

static const char *type_of(const char *name)
{
	static const char *const types[][2] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".ico", "image/x-icon"},
		{".json", "application/json"},
		{".woff2", "font/woff2"},
		{".txt", "text/plain; charset=utf-8"},
	};
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

/* 304 when it is known already. */
static void answer(const struct request *request, const char *etag, struct answer *ret)
{
	snprintf(ret->etag, sizeof(ret->etag), "%s", etag);
	ret->status = 200;
	if (!request->if_none_match || !strstr(request->if_none_match, etag))
		return;
	ret->status = 304;
	ret->fixed_len = 0;
	ret->gzip = false;
	str_clear(&ret->body);
}

/* ---- built in ---- */

void asset_answer_one(const struct asset *asset, const struct request *request, struct answer *ret)
{
	ret->gzip = request->gzip && asset->gzip;
	ret->fixed = ret->gzip ? asset->gzip : asset->bytes;
	ret->fixed_len = ret->gzip ? asset->gzip_len : asset->len;
	ret->type = type_of(asset->name);
	answer(request, asset->etag, ret);
}

static bool answer_built_in(const struct request *request, const char *name, struct answer *ret)
{
	for (const struct asset *asset = asset_table; asset->name; asset++)
		if (strcmp(asset->name, name) == 0) {
			asset_answer_one(asset, request, ret);
			return true;
		}
	return false;
}

/* ---- out of the folder ---- */

static bool read_file(struct folder *folder, const char *name, struct str *ret)
{
	OWN(file_close_own) struct file *file = NULL;
	uint64_t size;
	if (folder_read(folder, name, &file) != 0 || file_size(file, &size) != 0 ||
		size > ASSET_MAX)
		return false;
	OWN(own_free) char *bytes = malloc(size + 1);
	if (!bytes || file_read_full(file, bytes, size, 0) != 0)
		return false;
	str_clear(ret);
	str_add_bytes(ret, bytes, size);
	return !str_error(ret);
}

static bool answer_from(
	struct folder *folder, const struct request *request, const char *name, struct answer *ret)
{
	char zipped[FILES_NAME_MAX + 1], etag[ANSWER_ETAG];
	size_t len = strlen(name);
	if (strchr(name, '/') || name[0] == '.' || len + sizeof(".gz") > sizeof(zipped))
		return false;
	snprintf(zipped, sizeof(zipped), "%s.gz", name);
	if (!read_file(folder, name, &ret->body))
		return false;
	uint64_t hash = hash64(ret->body.at, ret->body.len, 0);
	ret->gzip = request->gzip && read_file(folder, zipped, &ret->body);
	snprintf(etag, sizeof(etag), "\"%016" PRIx64 "\"", hash);
	ret->type = type_of(name);
	answer(request, etag, ret);
	return true;
}

bool asset_answer(const struct site *site, const struct request *request, const char *name,
	struct answer *ret_answer)
{
	if (site->page)
		return answer_from(site->page, request, name, ret_answer);
	return answer_built_in(request, name, ret_answer);
}
