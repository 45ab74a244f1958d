/* SPDX-License-Identifier: Apache-2.0 */
/* Opening places by their names. */
#include "ebb/open_place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/keep.h"
#include "os/files.h"
#include "os/linux/files.h"
#include "os/linux/http.h"
#include "os/linux/textfile.h"
#include "os/linux/world.h"
#include "os/world.h"
#include "place/dir.h"
#include "place/paced.h"
#include "place/place.h"
#include "place/s3.h"
#include "place/url.h"

enum { CREDENTIALS_MAX = 64 << 10 };

void open_place_done(struct open_place *open)
{
	if (open->place != open->inner)
		place_close(open->place);
	place_close(open->inner);
	open->place = open->inner = NULL;
	if (open->disk_open)
		linux_disk_done(&open->disk);
	open->disk_open = false;
	linux_http_close(open->http);
	open->http = NULL;
}

static int open_folder(const char *path, bool make, struct open_place *open, struct why *why)
{
	struct files files = linux_files();
	struct folder *there;
	int err = files_open(&files, path, &there);
	if (!err)
		folder_close(there);
	if (err && !(make && err == -ENOENT))
		return why_errno(why, err == -ENOTDIR ? -ENOENT : err, "there is no repository");
	err = linux_disk_init(&open->disk, path, why);
	if (err)
		return err;
	open->disk_open = true;
	err = place_dir_open(&open->disk.base, &open->inner);
	return err ? why_errno(why, err, "opening the folder") : 0;
}

/* ---- s3 ---- */

static const char *from_environment(const struct call *call, const char *name)
{
	size_t len = strlen(name);
	for (const char *const *line = call->environment; line && *line; line++)
		if (strncmp(*line, name, len) == 0 && (*line)[len] == '=' && (*line)[len + 1])
			return *line + len + 1;
	return NULL;
}

static int keys_from_environment(const struct call *call, struct aws_keys *keys, struct why *why)
{
	const char *access_key = from_environment(call, "AWS_ACCESS_KEY_ID");
	const char *secret_key = from_environment(call, "AWS_SECRET_ACCESS_KEY");
	const char *token = from_environment(call, "AWS_SESSION_TOKEN");
	if (!access_key || !secret_key)
		return why_set(why, -ENOENT, "the environment has no keys");
	int err = aws_keys_set(keys, AWS_ACCESS_KEY, access_key, why);
	if (!err)
		err = aws_keys_set(keys, AWS_SECRET_KEY, secret_key, why);
	if (!err && token)
		err = aws_keys_set(keys, AWS_SESSION_TOKEN, token, why);
	return err;
}

static int keys_from_file(
	const struct call *call, const char *profile, struct aws_keys *keys, struct why *why)
{
	OWN(own_free) char *text = NULL;
	char path[KEEP_PATH];
	size_t len;
	const char *file = from_environment(call, "AWS_SHARED_CREDENTIALS_FILE");
	const char *home = from_environment(call, "HOME");
	snprintf(path, sizeof(path), "%s%s",
		file           ? file
			: home ? home
			       : "",
		file ? "" : "/.aws/credentials");
	int err = textfile_read(path, CREDENTIALS_MAX, &text, &len, why);
	if (!err) {
		err = aws_keys_read(text, profile, keys, why);
		if (err)
			why_prefix(why, err, "%s", path);
		explicit_bzero(text, len);
	}
	if (!err)
		return 0;
	return why_prefix(why, -EPERM,
		"who are we there? set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write the "
		"file");
}

/* A profile that the URL names comes before the environment, as with AWS's own tools. */
static int find_keys(
	const struct call *call, const char *told, struct aws_keys *keys, struct why *why)
{
	const char *profile = *told ? told : from_environment(call, "AWS_PROFILE");
	int err = *told ? -ENOENT : keys_from_environment(call, keys, why);
	return err == -ENOENT ? keys_from_file(call, profile ? profile : "default", keys, why)
			      : err;
}

static int open_s3(const struct open_place_how *how, const struct s3_url *where,
	struct open_place *open, struct why *why)
{
	const struct call *call = how->call;
	const char *endpoint = from_environment(call, "AWS_ENDPOINT_URL_S3");
	const char *region = from_environment(call, "AWS_REGION");
	struct s3_options s3 = {
		.where = *where, .clock = how->world->clock, .dice = how->world->dice};
	struct linux_http_options http = {.ca_file = from_environment(call, "AWS_CA_BUNDLE")};
	int err = s3_url_finish(&s3.where,
		endpoint ? endpoint : from_environment(call, "AWS_ENDPOINT_URL"),
		region ? region : from_environment(call, "AWS_DEFAULT_REGION"), why);
	if (!err)
		err = find_keys(call, where->profile, &s3.keys, why);
	if (s3.where.tls) {
		http.proxy = from_environment(call, "HTTPS_PROXY");
		if (!http.proxy)
			http.proxy = from_environment(call, "https_proxy");
	}
	if (!err)
		err = linux_http_open(&http, &open->http, why);
	if (!err) {
		open->bucket = true;
		open->cold = *where->data_class && strcmp(where->data_class, "STANDARD") != 0;
		s3.http = linux_http(open->http);
		err = place_s3_open(&s3, &open->inner, why);
	}
	/* Refused by the store, and by no guard of ours. */
	err = err == -EPERM ? -EREMOTEIO : err;
	aws_keys_done(&s3.keys);
	return err;
}

int open_place(const struct open_place_how *how, const char *url, struct open_place *ret_open,
	struct why *why)
{
	struct place_url where;
	char path[KEEP_PATH];
	*ret_open = (struct open_place){0};
	int err = place_url_read(url, &where, why);
	if (err)
		return err;
	if (where.kind == PLACE_S3)
		err = open_s3(how, &where.s3, ret_open, why);
	else if (!keep_absolute(how->call, where.path, path))
		return why_set(why, -EINVAL, "the path is too long");
	else
		err = open_folder(path, how->make, ret_open, why);
	ret_open->place = ret_open->inner;
	if (!err && how->pace)
		err = place_paced_open(ret_open->inner, how->pace, &ret_open->place);
	return err;
}

static void world_close_own(struct linux_world **lw)
{
	linux_world_close(*lw);
}

int open_place_look(const struct call *call, const char *url, bool *ret_there, struct why *why)
{
	OWN(world_close_own) struct linux_world *lw = NULL;
	OWN(open_place_done) struct open_place place = {0};
	uint64_t size;
	/* Rooted where nothing is made. */
	int err = linux_world_open("/", &(struct linux_options){.workers = 1}, &lw, why);
	if (err)
		return err;
	const struct open_place_how how = {call, linux_world(lw), false, NULL};
	err = open_place(&how, url, &place, why);
	if (!err) {
		err = place_size(place.place, "repo", &size);
		if (err)
			why_errno(why, err, "%s", url);
	}
	if (err && err != -ENOENT)
		return err;
	*ret_there = !err;
	return 0;
}
