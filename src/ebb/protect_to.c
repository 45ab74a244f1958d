/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each step can be done again, and what is done already is left as it is:
 *
 *   look         at all that could go wrong
 *   repository   made with a new key where there is none, and its recovery sheet printed
 *   file         conf.d/NAME.yaml beside the configuration, whole or not at all
 *   reload       of the ebbd that goes by it
 */
#include "ebb/protect_to.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "conf/show.h"
#include "ebb/call.h"
#include "ebb/config.h"
#include "ebb/daemon.h"
#include "ebb/exit.h"
#include "ebb/folders.h"
#include "ebb/keep.h"
#include "ebb/open_place.h"
#include "os/linux/files.h"

enum { NUMBERS = 99 };

static const int64_t usual_rpo_ns = NS_PER_DAY;

struct declaring {
	const struct call *call;
	struct config_source source;
	char path[CONF_PATH_MAX + 1]; /* what source names, when it is none of the call's */
	struct config config;
	bool answers;                   /* an ebbd that goes by this configuration does */
	char folder[CONF_PATH_MAX + 1]; /* of the configuration */
	struct conf_protect entry;
	bool declared;   /* the entry stands there already */
	bool repository; /* it is there */
};

static void declaring_done(struct declaring *it)
{
	config_done(&it->config);
}

/* ---- which configuration ---- */

/* That of the daemon which answers, else that of a session's state folder. */
static int choose_config(struct declaring *it)
{
	const struct call *call = it->call;
	char *path = it->path;
	const char *const words[] = {"status"};
	struct stat about;
	json_t *status = NULL;
	int code = config_choose(call, &it->source);
	if (code)
		return code;
	const char *runs_by = NULL;
	if (daemon_look(call, words, 1, &status) == EXIT_OK)
		runs_by = json_string_value(
			json_object_get(json_object_get(status, "config"), "path"));
	if (!args_given(&call->args, OPTION_CONFIG) && it->source.state[0]) {
		snprintf(path, CONF_PATH_MAX + 1, "%.*s/ebb.yaml", CONF_PATH_MAX - 10,
			it->source.state);
		if (!runs_by && stat(path, &about) == 0)
			it->source.path = path;
	}
	if (!args_given(&call->args, OPTION_CONFIG) && runs_by) {
		snprintf(path, CONF_PATH_MAX + 1, "%s", runs_by);
		it->source.path = path;
	}
	it->answers = runs_by && strcmp(runs_by, it->source.path) == 0;
	/* One that goes by the usual place, where nothing was yet. */
	it->answers = it->answers || (status && !runs_by && it->source.optional);
	it->source.optional = it->source.optional && it->source.path != path;
	json_decref(status);
	if (strcmp(it->source.path, "/dev/null") == 0)
		return call_fail(EXIT_GUARDED,
			"the ebbd that runs has no configuration file: start it with `ebb run "
			"--config FILE`, or name a file with --config");
	return EXIT_OK;
}

static int read_config(struct declaring *it)
{
	char absolute[KEEP_PATH];
	int code = choose_config(it);
	if (!code)
		code = config_read(&it->source, &it->config);
	if (code)
		return code;
	if (!keep_absolute(it->call, it->source.path, absolute) || strlen(absolute) > CONF_PATH_MAX)
		return call_fail(EXIT_USAGE, "%.40s...: the path is too long", it->source.path);
	*strrchr(absolute, '/') = '\0';
	snprintf(it->folder, sizeof(it->folder), "%.*s", CONF_PATH_MAX, absolute);
	return EXIT_OK;
}

/* ---- what, under which name ---- */

/* A path that is there, or a volume. */
static int choose_path(struct declaring *it)
{
	const char *word = it->call->args.operands[0];
	char absolute[KEEP_PATH];
	struct stat about;
	if (strncmp(word, "vol/", 4) == 0 && stat(word, &about) < 0) {
		if (!word[4] || strlen(word + 4) > CONF_NAME_MAX)
			return call_fail(EXIT_USAGE, "'%.80s' is not vol/NAME", word);
		snprintf(it->entry.volume, sizeof(it->entry.volume), "%s", word + 4);
		return EXIT_OK;
	}
	if (!keep_absolute(it->call, word, absolute) || strlen(absolute) > CONF_PATH_MAX)
		return call_fail(EXIT_USAGE, "%.40s...: the path is too long", word);
	if (stat(absolute, &about) < 0)
		return call_fail(EXIT_NO_OBJECT, "%s: %s", absolute, strerrordesc_np(errno));
	snprintf(it->entry.path, sizeof(it->entry.path), "%.*s", CONF_PATH_MAX, absolute);
	return EXIT_OK;
}

static bool lies_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);
	return strncmp(path, folder, len) == 0 &&
		(!path[len] || path[len] == '/' || strcmp(folder, "/") == 0);
}

static int choose_place(struct declaring *it)
{
	const char *to = it->call->args.values[OPTION_TO];
	char absolute[KEEP_PATH];
	bool is_url = strstr(to, "://") != NULL;
	if (!is_url && !keep_absolute(it->call, to, absolute))
		return call_fail(EXIT_USAGE, "--to: the path is too long");
	const char *whole = is_url ? to : absolute;
	if (strlen(whole) > CONF_PATH_MAX)
		return call_fail(EXIT_USAGE, "--to: the path is too long");
	if (!is_url && *it->entry.path && lies_in(absolute, it->entry.path))
		return call_fail(EXIT_GUARDED,
			"%s lies in %s: each point would hold the points before it; name a place "
			"outside, best on another disk",
			absolute, it->entry.path);
	snprintf(it->entry.to, sizeof(it->entry.to), "%.*s", CONF_PATH_MAX, whole);
	return EXIT_OK;
}

static bool is_taken(const struct declaring *it, const char *name)
{
	vec_each (entry, &it->config.protects.list)
		if (strcmp(entry->name, name) == 0)
			return true;
	return false;
}

/* The last component, of the letters that a name may have; with a number when it is taken. */
static void make_name(struct declaring *it)
{
	char base[CONF_NAME_MAX - 3];
	const char *slash = strrchr(it->entry.path, '/');
	size_t len = 0;
	for (const char *at = slash ? slash + 1 : it->entry.volume; *at && len < sizeof(base) - 1;
		at++) {
		bool fits = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
			(*at >= '0' && *at <= '9') || *at == '_' || *at == '-' ||
			(*at == '.' && len);
		base[len++] = fits ? *at : '_';
	}
	base[len] = '\0';
	snprintf(it->entry.name, sizeof(it->entry.name), "%s", len ? base : "root");
	for (int i = 2; is_taken(it, it->entry.name) && i <= NUMBERS; i++)
		snprintf(it->entry.name, sizeof(it->entry.name), "%s-%d", len ? base : "root", i);
}

/* What is declared already keeps all that it has. */
static int choose_name(struct declaring *it)
{
	const char *name = it->call->args.values[OPTION_NAME];
	struct conf_protect *wanted = &it->entry;
	vec_each (entry, &it->config.protects.list) {
		if (strcmp(entry->path, wanted->path) != 0 ||
			strcmp(entry->volume, wanted->volume) != 0 || *entry->postgres ||
			strcmp(entry->to, wanted->to) != 0 ||
			(name && strcmp(entry->name, name) != 0))
			continue;
		*wanted = *entry;
		it->declared = true;
		return EXIT_OK;
	}
	if (!name) {
		make_name(it);
		return EXIT_OK;
	}
	if (strlen(name) > CONF_NAME_MAX)
		return call_fail(EXIT_USAGE, "--name: at most %d letters", CONF_NAME_MAX);
	if (is_taken(it, name))
		return call_fail(EXIT_GUARDED,
			"%s is protected already, but another path or to another place: `ebb "
			"config show` lists what is",
			name);
	snprintf(wanted->name, sizeof(wanted->name), "%s", name);
	return EXIT_OK;
}

static int choose_rpo(struct declaring *it)
{
	const char *text = it->call->args.values[OPTION_RPO];
	struct why why;
	if (it->declared)
		return EXIT_OK;
	it->entry.rpo_ns = usual_rpo_ns;
	if (text && units_duration(text, &it->entry.rpo_ns, &why))
		return call_fail(EXIT_USAGE, "--rpo: %s", why.text);
	return EXIT_OK;
}

/* The one that was named; else that of what goes to the same place; else one of its own. */
static int choose_key(struct declaring *it)
{
	const char *named = it->call->args.values[OPTION_KEY_FILE];
	char absolute[KEEP_PATH];
	if (!named)
		named = it->call->key_file_env;
	if (it->declared)
		return EXIT_OK;
	if (named && *named) {
		if (!keep_absolute(it->call, named, absolute) || strlen(absolute) > CONF_PATH_MAX)
			return call_fail(EXIT_USAGE, "--key-file: the path is too long");
		snprintf(it->entry.key_file, sizeof(it->entry.key_file), "%.*s", CONF_PATH_MAX,
			absolute);
		return EXIT_OK;
	}
	vec_each (entry, &it->config.protects.list)
		if (strcmp(entry->to, it->entry.to) == 0)
			memcpy(it->entry.key_file, entry->key_file, sizeof(entry->key_file));
	if (!*it->entry.key_file)
		snprintf(it->entry.key_file, sizeof(it->entry.key_file), "%.*s/%s.key",
			CONF_PATH_MAX - CONF_NAME_MAX - 5, it->folder, it->entry.name);
	return EXIT_OK;
}

/* ---- repository and key ---- */

static int look_at_place(struct declaring *it)
{
	struct stat about;
	struct why why;
	int err = open_place_look(it->call, it->entry.to, &it->repository, &why);
	if (err)
		return call_fail(err == -EINVAL ? EXIT_USAGE : EXIT_FAILED, "%s", why.text);
	bool key = stat(it->entry.key_file, &about) == 0;
	if (it->repository && !key)
		return call_fail(EXIT_WRONG_KEY,
			"a repository is at %s already, and its key is not at %s: name the key's "
			"file with --key-file",
			it->entry.to, it->entry.key_file);
	if (!it->repository && key)
		return call_fail(EXIT_GUARDED,
			"%s is the key of another repository: none is at %s; name a new file with "
			"--key-file",
			it->entry.key_file, it->entry.to);
	return EXIT_OK;
}

/* Another command of the table, on this repository. */
static struct call inner_call(const struct declaring *it, const char *noun, const char *verb)
{
	struct call inner = *it->call;
	inner.args = (struct args){.command = command_find(noun, verb)};
	inner.args.values[OPTION_REPO] = it->entry.to;
	inner.args.values[OPTION_KEY_FILE] = it->entry.key_file;
	inner.args.values[OPTION_JSON] = it->call->args.values[OPTION_JSON];
	return inner;
}

/* The sheet is printed once, and kept nowhere. */
static int make_repository(struct declaring *it)
{
	struct call init = inner_call(it, "repo", "init"), sheet = inner_call(it, "repo", "key");
	OWN(str_done) struct str text = {0};
	int code = folders_make(it->folder);
	code = code ? call_fail(EXIT_FAILED, "%s: %s", it->folder, strerrordesc_np(-code))
		    : call_repo_init(&init);
	if (code || args_given(&it->call->args, OPTION_JSON))
		return code;
	str_add(&text,
		"\nPrint what follows, or write the two lines of the key down, and keep it where "
		"this machine's\nfate does not reach it. It is shown this once.\n\n");
	sheet.args.operands[sheet.args.operand_count++] = "add";
	sheet.args.values[OPTION_RECOVERY] = "";
	code = call_print(&text);
	return code ? code : call_repo_key(&sheet);
}

/* ---- the file ---- */

static void add_file(const struct declaring *it, struct str *text)
{
	char rpo[UNITS_TEXT];
	str_add(text, "# Made by `ebb protect`; `ebb config show` tells what may stand here.\n");
	bool volume = *it->entry.volume;
	str_addf(text, "protect:\n  %s:\n    %s: ", it->entry.name, volume ? "volume" : "path");
	conf_show_text(volume ? it->entry.volume : it->entry.path, text);
	str_add(text, "\n    to: ");
	conf_show_text(it->entry.to, text);
	str_add(text, "\n    key_file: ");
	conf_show_text(it->entry.key_file, text);
	str_addf(text, "\n    rpo: %s\n", units_show_duration(it->entry.rpo_ns, rpo));
}

static int write_whole(struct folder *folder, const char *name, const struct str *text)
{
	OWN(file_close_own) struct file *file = NULL;
	char fresh[CONF_NAME_MAX + 16];
	snprintf(fresh, sizeof(fresh), ".%s.new", name);
	int err = folder_remove(folder, fresh, false);
	err = err == -ENOENT ? 0 : err;
	if (!err)
		err = folder_make_file(folder, fresh, &file);
	if (!err)
		err = file_write_full(file, str_text(text), text->len, 0);
	if (!err)
		err = file_sync(file);
	if (!err)
		err = folder_rename(folder, fresh, name);
	return err ? err : folder_sync(folder);
}

static void protects_own(struct conf_protects *protects)
{
	conf_protects_done(protects);
}

/* What the configuration would make of it, before anything is made. */
static int check_file(const struct declaring *it)
{
	OWN(str_done) struct str text = {0};
	OWN(own_free) struct conf_file *files = NULL;
	OWN(protects_own) struct conf_protects protects = {0};
	size_t count = it->config.files.list.len;
	struct conf_errors errors = {0};
	if (it->declared)
		return EXIT_OK;
	add_file(it, &text);
	files = calloc(count + 1, sizeof(*files));
	if (!files || str_error(&text))
		return call_fail(EXIT_FAILED, "no memory");
	for (size_t i = 0; i < count; i++)
		files[i] = it->config.files.list.at[i];
	files[count] = (struct conf_file){it->entry.name, str_text(&text), text.len};
	int err = conf_protects_read(files, count + 1, &protects, &errors);
	for (size_t i = 0; i < errors.count; i++)
		call_fail(0, "%s", errors.at[i].text);
	return err ? EXIT_USAGE : EXIT_OK;
}

static int write_file(struct declaring *it)
{
	OWN(str_done) struct str text = {0};
	OWN(folder_close_own) struct folder *folder = NULL;
	struct files files = linux_files();
	char path[CONF_PATH_MAX + sizeof("/conf.d")], name[CONF_NAME_MAX + sizeof(".yaml")];
	snprintf(path, sizeof(path), "%s/conf.d", it->folder);
	snprintf(name, sizeof(name), "%s.yaml", it->entry.name);
	add_file(it, &text);
	int err = str_error(&text);
	if (!err)
		err = folders_make(path);
	if (!err)
		err = files_open(&files, path, &folder);
	if (!err)
		err = write_whole(folder, name, &text);
	return err ? call_fail(EXIT_FAILED,
			     "%s/%s: %s; as another user than root name a configuration of your "
			     "own with --config, or a session's state folder with --state",
			     path, name, strerrordesc_np(-err))
		   : EXIT_OK;
}

/* ---- what is said ---- */

static int say_dry(const struct declaring *it)
{
	OWN(str_done) struct str text = {0};
	if (!it->repository)
		str_addf(&text, "would make a repository at %s, its key in %s\n", it->entry.to,
			it->entry.key_file);
	if (!it->declared) {
		str_addf(&text, "would write %s/conf.d/%s.yaml:\n\n", it->folder, it->entry.name);
		add_file(it, &text);
	} else if (it->repository) {
		str_addf(&text, "%s is protected already\n", it->entry.name);
	}
	return call_print(&text);
}

static int say_json(const struct declaring *it, bool reloaded)
{
	char source[CONF_SOURCE_TEXT];
	return call_print_json(json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:b,s:b,s:b}", "type",
		"protect", "name", it->entry.name, "source",
		conf_protect_source(&it->entry, source), "to", it->entry.to, "key_file",
		it->entry.key_file, "rpo", (json_int_t)(it->entry.rpo_ns / NS_PER_SEC), "config",
		it->source.path, "declared", !it->declared, "repository_made", !it->repository,
		"reloaded", reloaded));
}

static int say_done(const struct declaring *it, bool reloaded)
{
	OWN(str_done) struct str text = {0};
	char rpo[UNITS_TEXT], source[CONF_SOURCE_TEXT];
	const char *path = it->source.path;
	str_addf(&text, "%s%s: %s is protected%s, to %s, never more than %s old.\n",
		it->repository ? "" : "\n", it->entry.name, conf_protect_source(&it->entry, source),
		it->declared ? " already" : "", it->entry.to,
		units_show_duration(it->entry.rpo_ns, rpo));
	if (reloaded)
		str_addf(&text,
			"ebbd knows; the first point comes when it disturbs least, or now: `ebb "
			"job now %s`.\n",
			it->entry.name);
	else if (it->source.optional)
		str_add(&text, "No ebbd runs here: `systemctl start ebbd`, or `ebbd`, begins.\n");
	else
		str_addf(
			&text, "No ebbd goes by %s: `ebb run --config '%s'` begins.\n", path, path);
	return call_print(&text);
}

/* Tells the daemon. It may refuse what only a restart can change. */
static int reload(const struct declaring *it, bool *ret_reloaded)
{
	const char *const words[] = {"reload"};
	json_t *answer = NULL;
	*ret_reloaded = it->answers;
	if (!it->answers)
		return EXIT_OK;
	int code = daemon_ask(it->call, words, 1, &answer);
	json_decref(answer);
	return code;
}

static int choose(struct declaring *it)
{
	int code = choose_path(it);
	if (!code)
		code = choose_place(it);
	if (!code)
		code = read_config(it);
	if (!code)
		code = choose_name(it);
	if (!code)
		code = choose_rpo(it);
	if (!code)
		code = choose_key(it);
	if (!code)
		code = check_file(it);
	return code ? code : look_at_place(it);
}

int protect_to(const struct call *call)
{
	OWN(declaring_done) struct declaring it = {.call = call};
	bool reloaded = false;
	int code = choose(&it);
	if (code)
		return code;
	if (args_given(&call->args, OPTION_DRY_RUN))
		return say_dry(&it);
	if (!it.repository)
		code = make_repository(&it);
	if (!code && !it.declared)
		code = write_file(&it);
	if (!code)
		code = reload(&it, &reloaded);
	if (code)
		return code;
	return args_given(&call->args, OPTION_JSON) ? say_json(&it, reloaded)
						    : say_done(&it, reloaded);
}

/* ---- what is declared ---- */

/* What its next point would come to, whether or not a daemon runs. */
static int estimate(const struct declaring *it)
{
	char source[CONF_SOURCE_TEXT];
	bool volume = *it->entry.volume;
	struct call inner = volume ? inner_call(it, "protect", NULL)
				   : inner_call(it, "backup", NULL);
	if (*it->entry.postgres)
		return call_fail(EXIT_USAGE,
			"%s: what a server's point comes to is not known before", it->entry.name);
	inner.args.operands[inner.args.operand_count++] = conf_protect_source(&it->entry, source);
	inner.args.values[OPTION_DRY_RUN] = "";
	inner.args.values[OPTION_STATE] = it->config.conf.state;
	return volume ? call_protect(&inner) : call_backup(&inner);
}

int protect_named(const struct call *call)
{
	OWN(declaring_done) struct declaring it = {.call = call};
	const char *name = call->args.operands[0];
	int code = read_config(&it);
	if (code)
		return code;
	vec_each (entry, &it.config.protects.list) {
		if (strcmp(entry->name, name) != 0)
			continue;
		it.entry = *entry;
		return args_given(&call->args, OPTION_DRY_RUN) ? estimate(&it) : call_job_now(call);
	}
	return call_fail(EXIT_NO_OBJECT,
		"'%.80s' is neither vol/NAME nor a resource of %s; `ebb protect PATH --to DIR` "
		"declares one, `ebb backup PATH` saves one once",
		name, it.source.path);
}
