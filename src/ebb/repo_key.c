/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a repository: who may open it, and with what. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/consent.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/key_in.h"
#include "os/clock.h"
#include "os/dice.h"
#include "repo/keys.h"

/* What a passphrase is to cost whoever guesses. */
static const int64_t passphrase_ns = 1000000000;

enum { ID_MIN = 4 };

/* The sheet has to be of use to somebody who has never seen ebb. */
static void add_sheet(struct str *text, const struct keep *keep, const struct object_id *id,
	const char *secret, const char *label)
{
	char hex[33], key[33], now[UNITS_TEXT];
	uint64_t generation = repo_head(keep->repo)->generation;
	size_t half = strlen(secret) / 2;
	while (secret[half] != '-')
		half++;
	str_addf(text,
		"ebb recovery sheet\n\n"
		"repository   %s\n"
		"its id       %s\n"
		"this key     %.8s%s%s\n"
		"generation   %" PRIu64 ", on %.10s\n\n"
		"The key, two lines; whoever has it reads everything:\n\n"
		"    %.*s\n        %s\n\n",
		keep->where, object_show_id(repo_id(keep->repo), hex), object_show_id(id, key),
		*label ? "  " : "", label, generation,
		units_show_time(clock_wall_ns(keep->repo_world.clock), now), (int)half, secret,
		secret + half);
	str_addf(text,
		"To restore, on any machine that has the program ebb and reaches the repository:\n"
		"1. Type the two lines of the key into a file rescue.key, or take this sheet as it "
		"is.\n"
		"2. ebb snap ls --repo %s --key-file rescue.key --generation %" PRIu64 "\n"
		"3. ebb restore latest /mnt/new --repo %s --key-file rescue.key\n"
		"4. Step 2 refuses a repository that was set back to before this sheet.\n"
		"5. Afterwards: ebb repo key rm the keys that are lost, and ebb repo key rotate.\n",
		keep->where, generation, keep->where);
}

/* Where the new secret goes: a file, or for a sheet standard output as well. */
static int give_secret(
	struct keep *keep, const struct key_new *key, const struct object_id *id, const char *path)
{
	OWN(str_done) struct str text = {0};
	char secret[SECRET_TEXT];
	if (secret_show(key->unlock->secret, secret))
		return call_fail(EXIT_FAILED, "the key cannot be shown");
	if (key->type == SLOT_RECOVERY)
		add_sheet(&text, keep, id, secret, key->label);
	else
		str_addf(&text, "%s\n", secret);
	int code = path ? key_out_write(keep, path, str_text(&text)) : call_print(&text);
	explicit_bzero(secret, sizeof(secret));
	if (text.at)
		explicit_bzero(text.at, text.len);
	return code;
}

static int say_added(const struct call *call, const struct key_new *key, const struct object_id *id)
{
	OWN(str_done) struct str text = {0};
	char hex[33];
	const char *path = call->args.values[OPTION_NEW_KEY_FILE];
	object_show_id(id, hex);
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:s,s:s,s:s?}", "type", "repo-key-add", "id",
			hex, "key", repo_key_type((uint8_t)key->type), "key_file", path));
	str_addf(&text, "key %.8s (%s) was added%s%s\n", hex, repo_key_type((uint8_t)key->type),
		path ? ", in " : "", path ? path : "");
	return call_print(&text);
}

/*
 * The repository knows the key before its owner does. The other order could leave a sheet in
 * somebody's safe that opens nothing; this one, if we are killed in between, leaves an entry that
 * nobody holds, and that `repo key ls` shows and `repo key rm` takes away.
 */
static int add_key(struct keep *keep, const struct key_new *key, const char *path)
{
	struct object_id id;
	struct why why;
	int err = repo_key_add(keep->repo, key, &id, &why);
	if (err)
		return keep_fail(keep, err, &why);
	int code = EXIT_OK;
	if (key->type != SLOT_PASSPHRASE)
		code = give_secret(keep, key, &id, path);
	if (code) {
		/* A key that nobody holds is a door that nobody watches. */
		repo_key_rm(keep->repo, &id, NULL);
		return code;
	}
	return key->type == SLOT_RECOVERY && !path ? EXIT_OK : say_added(keep->call, key, &id);
}

/* The one of the four options that was given. 0: several; that was told. */
static enum slot_type wanted_type(const struct call *call)
{
	static const struct {
		enum option_id option;
		enum slot_type type;
	} types[] = {{OPTION_PASSPHRASE, SLOT_PASSPHRASE}, {OPTION_SECRET, SLOT_SECRET},
		{OPTION_RECOVERY, SLOT_RECOVERY}, {OPTION_WRITE_ONLY, SLOT_WRITER}};
	enum slot_type type = SLOT_SECRET;
	int given = 0;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (args_given(&call->args, types[i].option)) {
			type = types[i].type;
			given++;
		}
	}
	if (given > 1) {
		call_fail(EXIT_USAGE,
			"one of --passphrase, --secret, --recovery and --write-only, not several");
		return (enum slot_type)0;
	}
	return type;
}

static int action_add(struct keep *keep)
{
	OWN(key_in_done) struct key_in fresh = {0};
	const struct call *call = keep->call;
	const char *path = call->args.values[OPTION_NEW_KEY_FILE];
	const char *label = call->args.values[OPTION_LABEL];
	struct key_new key = {.type = wanted_type(call), .unlock = &fresh.unlock};
	key.label = label ? label : "";
	if (!key.type)
		return EXIT_USAGE;
	if (strlen(key.label) >= HEAD_LABEL)
		return call_fail(EXIT_USAGE, "--label: at most %d bytes", HEAD_LABEL - 1);
	if (key.type == SLOT_PASSPHRASE) {
		int code = key_in_read_new(call, &fresh);
		if (code)
			return code;
		key.cost = passphrase_measure(keep->repo_world.clock, passphrase_ns);
		return add_key(keep, &key, NULL);
	}
	if (!path && key.type != SLOT_RECOVERY)
		return call_fail(EXIT_USAGE, "where to? give --new-key-file FILE for the new key");
	dice_fill(keep->repo_world.dice, fresh.secret, sizeof(fresh.secret));
	fresh.unlock.secret = fresh.secret;
	return add_key(keep, &key, path);
}

static int action_ls(struct keep *keep)
{
	OWN(str_done) struct str text = {0};
	const struct head *head = repo_head(keep->repo);
	json_t *list = json_array();
	char hex[33], made[UNITS_TEXT];
	uint32_t epoch = repo_ring(keep->repo)->epoch_count;
	vec_each (key, &head->keys) {
		bool used = object_id_equal(&key->id, repo_key_id(keep->repo));
		object_show_id(&key->id, hex);
		units_show_time(key->made_ns, made);
		json_array_append_new(list,
			json_pack("{s:s,s:s,s:s,s:s,s:b}", "id", hex, "key",
				repo_key_type((uint8_t)key->type), "label", key->label, "made",
				made, "in_use", used));
		str_addf(&text, "%.8s  %-10s  %.19sZ  %s%s\n", hex,
			repo_key_type((uint8_t)key->type), made, key->label,
			used ? "  (in use)" : "");
	}
	if (args_given(&keep->call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:I,s:o}", "type", "repo-keys", "epoch",
			(json_int_t)epoch, "keys", list));
	json_decref(list);
	str_addf(&text, "%s, epoch %" PRIu32 "\n", COUNT(head->keys.len, "key", "keys"), epoch);
	return call_print(&text);
}

/* The key whose id begins so. EXIT_NO_OBJECT: none, or several. */
static int find_key(struct keep *keep, const char *name, struct object_id *ret_id)
{
	size_t matches = 0;
	char hex[33];
	vec_each (key, &repo_head(keep->repo)->keys) {
		if (strncmp(object_show_id(&key->id, hex), name, strlen(name)) != 0)
			continue;
		*ret_id = key->id;
		matches++;
	}
	if (strlen(name) < ID_MIN)
		return call_fail(
			EXIT_NO_OBJECT, "'%.40s': give at least %d digits of a key", name, ID_MIN);
	if (matches != 1)
		return call_fail(EXIT_NO_OBJECT,
			matches ? "several keys begin with '%.40s'; give more digits"
				: "no key begins with '%.40s'; `ebb repo key ls` tells them",
			name);
	return EXIT_OK;
}

static int action_rm(struct keep *keep)
{
	OWN(str_done) struct str text = {0};
	const struct call *call = keep->call;
	struct object_id id;
	struct why why;
	char hex[33], what[80];
	if (call->args.operand_count != 2)
		return call_fail(EXIT_USAGE, "which key? ebb repo key rm ID");
	int code = find_key(keep, call->args.operands[1], &id);
	if (code)
		return code;
	object_show_id(&id, hex);
	snprintf(what, sizeof(what), "takes key %.8s away", hex);
	code = consent(call, what);
	if (code)
		return code;
	int err = repo_key_rm(keep->repo, &id, &why);
	if (err)
		return keep_fail(keep, err == -ENOENT ? -EPERM : err, &why);
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:s}", "type", "repo-key-rm", "id", hex));
	str_addf(&text,
		"key %.8s opens nothing any more; who may have kept what it opened is shut out of "
		"what comes by `ebb repo key rotate`\n",
		hex);
	return call_print(&text);
}

static int action_rotate(struct keep *keep)
{
	OWN(str_done) struct str text = {0};
	struct why why;
	int err = repo_key_rotate(keep->repo, &why);
	if (err)
		return keep_fail(keep, err, &why);
	uint32_t epoch = repo_ring(keep->repo)->epoch_count;
	size_t count = repo_head(keep->repo)->keys.len;
	if (args_given(&keep->call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:I,s:I}", "type", "repo-key-rotate",
			"epoch", (json_int_t)epoch, "keys", (json_int_t)count));
	str_addf(&text,
		"epoch %" PRIu32 " has begun: what is written from now on opens to %s "
		"alone\n",
		epoch, COUNT(count, "key", "keys"));
	return call_print(&text);
}

int call_repo_key(const struct call *call)
{
	static const struct {
		const char *name;
		int (*run)(struct keep *keep);
	} actions[] = {{"add", action_add}, {"ls", action_ls}, {"rm", action_rm},
		{"rotate", action_rotate}};
	OWN(keep_done) struct keep keep = {0};
	const char *name = call->args.operands[0];
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(actions[i].name, name) != 0)
			continue;
		int code = keep_open(call, &keep);
		return code ? code : actions[i].run(&keep);
	}
	return call_fail(EXIT_USAGE,
		"'%.40s' is none of add, ls, rm, rotate; see `ebb help repo key`", name);
}
