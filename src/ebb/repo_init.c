/* SPDX-License-Identifier: Apache-2.0 */
/* Making a repository, and the key without which nobody reads it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/key_in.h"
#include "os/dice.h"
#include "place/s3.h"

enum { PARITY_PERCENT = 3 };

/* What a passphrase is to cost whoever guesses. */
static const int64_t passphrase_ns = 1000000000;

/* What a store of objects makes of conditions, in words for people. "" for other places. */
static const char *try_store(const struct keep *keep)
{
	bool conditional;
	if (!keep->place.bucket || place_s3_probe(keep->place.inner, &conditional, NULL))
		return "";
	return conditional
		? "The store keeps a name from being put twice.\n"
		: "The store does not keep a name from being put twice; that two writers "
		  "do not harm\neach other rests on claims alone.\n";
}

static int say_made(const struct call *call, const struct keep *keep, const char *path)
{
	OWN(str_done) struct str text = {0};
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:s,s:s?}", "type", "repo-init", "repo",
			keep->where, "key_file", path));
	if (path)
		str_addf(&text, "A repository is at %s, its key in %s.\n", keep->where, path);
	else
		str_addf(&text, "A repository is at %s, and the passphrase opens it.\n",
			keep->where);
	str_add(&text,
		"Whoever has both can read everything; without the key nobody can. Print a second "
		"one\nfor the safe: `ebb repo key add --recovery`.\n");
	str_add(&text, try_store(keep));
	return call_print(&text);
}

/* What is paid by the request, or lies on tape, is better in few large objects. */
static int read_pack_size(const struct keep *keep, uint32_t *ret_size)
{
	enum { COLD = 64 << 20 };
	const char *text = keep->call->args.values[OPTION_PACK_SIZE];
	uint64_t size = keep->place.cold ? COLD : 0;
	struct why why;
	if (text && units_size(text, &size, &why))
		return call_fail(EXIT_USAGE, "--pack-size: %s", why.text);
	if (text && (size < 1 << 20 || size > 128 << 20))
		return call_fail(EXIT_USAGE, "--pack-size: 1MiB to 128MiB, not %.40s", text);
	*ret_size = (uint32_t)size;
	return EXIT_OK;
}

static int init_by_passphrase(
	const struct call *call, struct keep *keep, const struct repo_options *base)
{
	OWN(key_in_done) struct key_in key = {0};
	struct why why;
	int code = key_in_read(call, &key);
	if (code)
		return code;
	struct repo_options how = *base;
	how.cost = passphrase_measure(keep->repo_world.clock, passphrase_ns);
	int err = repo_init_with(&keep->repo_world, &how, &key.unlock, &why);
	return err ? keep_fail(keep, err, &why) : EXIT_OK;
}

/* The file comes first: no repository is made to which nobody has a key. */
static int init_by_file(struct keep *keep, const char *path, const struct repo_options *base)
{
	OWN(key_in_done) struct key_in key = {0};
	char text[SECRET_TEXT + 1];
	struct why why;
	dice_fill(keep->repo_world.dice, key.secret, sizeof(key.secret));
	key.unlock.secret = key.secret;
	if (secret_show(key.secret, text))
		return call_fail(EXIT_FAILED, "no key can be made");
	text[strlen(text) + 1] = '\0';
	text[strlen(text)] = '\n';
	int code = key_out_write(keep, path, text);
	explicit_bzero(text, sizeof(text));
	if (code)
		return code;
	int err = repo_init_with(&keep->repo_world, base, &key.unlock, &why);
	if (err)
		key_out_remove(keep, path);
	return err ? keep_fail(keep, err, &why) : EXIT_OK;
}

static void repo_own(struct repo **repo)
{
	repo_close(*repo);
}

/* The keys of another repository, and the key that opened it. */
static int init_like(const struct call *call, struct keep *keep, const char *where,
	const struct repo_options *base)
{
	OWN(key_in_done) struct key_in key = {0};
	OWN(open_place_done) struct open_place place = {0};
	OWN(repo_own) struct repo *like = NULL;
	const struct open_place_how there = {call, keep->world, false};
	struct why why;
	int code = key_in_read(call, &key);
	if (code)
		return code;
	struct repo_world world = keep->repo_world;
	int err = open_place(&there, where, &place, &why);
	world.place = place.place;
	if (!err)
		err = repo_open_with(&world, &key.unlock, 0, &like, &why);
	if (!err && repo_ring(like)->write_only)
		err = why_set(&why, -EPERM, "this key only writes: a twin wants one that reads");
	if (err) {
		why_prefix(&why, err, "--like %s", where);
		return keep_fail(keep, err, &why);
	}
	struct repo_options how = *base;
	how.ring = repo_ring(like);
	if (key_in_is_passphrase(call))
		how.cost = passphrase_measure(keep->repo_world.clock, passphrase_ns);
	err = repo_init_with(&keep->repo_world, &how, &key.unlock, &why);
	return err ? keep_fail(keep, err, &why) : EXIT_OK;
}

static int say_twin(const struct call *call, const struct keep *keep, const char *where)
{
	OWN(str_done) struct str text = {0};
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack(
			"{s:s,s:s,s:s}", "type", "repo-init", "repo", keep->where, "like", where));
	str_addf(&text,
		"A repository is at %s, with the keys of %s.\n"
		"`ebb backup --also %s` writes to both; `ebb repo sync --also %s` brings what "
		"there is.\n%s",
		keep->where, where, keep->where, keep->where, try_store(keep));
	return call_print(&text);
}

int call_repo_init(const struct call *call)
{
	const char *like = call->args.values[OPTION_LIKE];
	OWN(keep_done) struct keep keep = {0};
	const char *path = call->args.values[OPTION_KEY_FILE];
	bool by_passphrase = key_in_is_passphrase(call);
	if (!path && !by_passphrase)
		path = call->key_file_env;
	if (!by_passphrase && (!path || !*path))
		return call_fail(EXIT_USAGE,
			"which key? give --key-file FILE for a new one, or --password-command "
			"COMMAND, or set EBB_KEY_FILE or EBB_PASSWORD_FILE");
	struct repo_options how = {.parity_percent = PARITY_PERCENT, .reserve = REPO_RESERVE};
	int code = keep_begin(call, true, &keep);
	if (!code)
		code = read_pack_size(&keep, &how.pack_size);
	if (!code && like) {
		code = init_like(call, &keep, like, &how);
		return code ? code : say_twin(call, &keep, like);
	}
	if (!code)
		code = by_passphrase ? init_by_passphrase(call, &keep, &how)
				     : init_by_file(&keep, path, &how);
	return code ? code : say_made(call, &keep, path);
}
