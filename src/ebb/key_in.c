/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and passphrases in, new keys out. Whatever held a secret is wiped. */
#include "ebb/key_in.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "os/disk.h"
#include "os/linux/capture.h"
#include "os/linux/textfile.h"

enum { KEY_FILE_MAX = 16384, PASSWORD_WORDS = 32, COMMAND_MAX = 4096 };

void key_in_done(struct key_in *in)
{
	explicit_bzero(in, sizeof(*in));
}

static int read_secret_file(const char *path, struct key_in *in)
{
	OWN(own_free) char *text = NULL;
	size_t len;
	struct why why;
	if (textfile_read(path, KEY_FILE_MAX, &text, &len, &why))
		return call_fail(EXIT_WRONG_KEY, "%s", why.text);
	int err = secret_find(text, in->secret, &why);
	explicit_bzero(text, len);
	if (err)
		return call_fail(EXIT_WRONG_KEY, "%s: %s", path, why.text);
	in->unlock = (struct unlock){.secret = in->secret};
	return EXIT_OK;
}

/* The first line is the passphrase. */
static int take_passphrase(struct key_in *in, const char *from)
{
	size_t len = strcspn(in->passphrase, "\n");
	if (!len || len > PASSPHRASE_MAX)
		return call_fail(EXIT_WRONG_KEY, "%s: a passphrase has 1 to %d bytes, not %zu",
			from, PASSPHRASE_MAX, len);
	in->unlock = (struct unlock){.passphrase = in->passphrase, .passphrase_len = len};
	return EXIT_OK;
}

static int read_passphrase_file(const char *path, struct key_in *in)
{
	OWN(own_free) char *text = NULL;
	size_t len;
	struct why why;
	if (textfile_read(path, PASSPHRASE_MAX + 1, &text, &len, &why))
		return call_fail(EXIT_WRONG_KEY, "%s", why.text);
	memcpy(in->passphrase, text, len);
	in->passphrase[len] = '\0';
	explicit_bzero(text, len);
	return take_passphrase(in, path);
}

/* Words are what spaces and tabs part; there is no quoting and no shell. */
static int run_password_command(const char *command, struct key_in *in)
{
	char words[COMMAND_MAX];
	const char *argv[PASSWORD_WORDS + 1] = {NULL};
	size_t count = 0, len;
	struct why why;
	if (strlen(command) >= sizeof(words))
		return call_fail(EXIT_USAGE, "--password-command: it is too long");
	memcpy(words, command, strlen(command) + 1);
	for (char *rest = words, *word; (word = strsep(&rest, " \t"));) {
		if (*word && count == PASSWORD_WORDS)
			return call_fail(EXIT_USAGE, "--password-command: more than %d words",
				PASSWORD_WORDS);
		if (*word)
			argv[count++] = word;
	}
	if (!count)
		return call_fail(EXIT_USAGE, "--password-command: no command stands there");
	if (capture_output(argv, in->passphrase, sizeof(in->passphrase), &len, &why))
		return call_fail(EXIT_WRONG_KEY, "--password-command: %s", why.text);
	return take_passphrase(in, "--password-command");
}

static bool set(const char *value)
{
	return value && *value;
}

bool key_in_is_passphrase(const struct call *call)
{
	return !args_given(&call->args, OPTION_KEY_FILE) &&
		(args_given(&call->args, OPTION_PASSWORD_COMMAND) ||
			(!set(call->key_file_env) && set(call->password_file_env)));
}

int key_in_read(const struct call *call, struct key_in *ret_in)
{
	const char *key_file = call->args.values[OPTION_KEY_FILE];
	const char *command = call->args.values[OPTION_PASSWORD_COMMAND];
	struct why why;
	size_t len;
	if (key_file && command)
		return call_fail(EXIT_USAGE, "--key-file or --password-command, not both");
	if (command)
		return run_password_command(command, ret_in);
	if (key_file || set(call->key_file_env))
		return read_secret_file(key_file ? key_file : call->key_file_env, ret_in);
	if (set(call->password_file_env))
		return read_passphrase_file(call->password_file_env, ret_in);
	if (!isatty(STDIN_FILENO) ||
		capture_hidden(
			"ebb: passphrase: ", ret_in->passphrase, PASSPHRASE_MAX + 1, &len, &why))
		return call_fail(EXIT_USAGE,
			"which key? give --key-file FILE or --password-command COMMAND, or set "
			"EBB_KEY_FILE or EBB_PASSWORD_FILE");
	return take_passphrase(ret_in, "the terminal");
}

static int ask_new(struct key_in *in)
{
	struct key_in again = {0};
	struct why why;
	size_t len;
	if (capture_hidden(
		    "ebb: new passphrase: ", in->passphrase, PASSPHRASE_MAX + 1, &len, &why) ||
		capture_hidden(
			"ebb: once more: ", again.passphrase, PASSPHRASE_MAX + 1, &len, &why))
		return call_fail(EXIT_USAGE,
			"%s: name a file with the new passphrase by --new-password-file", why.text);
	bool same = strcmp(in->passphrase, again.passphrase) == 0;
	key_in_done(&again);
	return same ? take_passphrase(in, "the terminal")
		    : call_fail(EXIT_USAGE, "the two are not the same");
}

int key_in_read_new(const struct call *call, struct key_in *ret_in)
{
	const char *path = call->args.values[OPTION_NEW_PASSWORD_FILE];
	return path ? read_passphrase_file(path, ret_in) : ask_new(ret_in);
}

/* The folder of an absolute path, and the name in it. */
static int open_parent(
	struct keep *keep, const char *path, struct folder **ret_folder, const char **ret_name)
{
	char parent[KEEP_PATH];
	const char *slash = strrchr(path, '/');
	snprintf(parent, sizeof(parent), "%.*s", slash > path ? (int)(slash - path) : 1, path);
	*ret_name = slash + 1;
	return files_open(&keep->files, parent, ret_folder);
}

static int write_new(struct keep *keep, const char *path, const char *text)
{
	OWN(folder_close_own) struct folder *folder = NULL;
	OWN(file_close_own) struct file *file = NULL;
	const char *name;
	int err = open_parent(keep, path, &folder, &name);
	if (!err)
		err = folder_make_file(folder, name, &file);
	if (!err)
		err = file_write_full(file, text, strlen(text), 0);
	if (!err)
		err = file_sync(file);
	return err ? err : folder_sync(folder);
}

int key_out_write(struct keep *keep, const char *path, const char *text)
{
	char absolute[KEEP_PATH];
	struct why why;
	if (!keep_absolute(keep->call, path, absolute))
		return call_fail(EXIT_USAGE, "%.40s...: the path is too long", path);
	int err = write_new(keep, absolute, text);
	if (err == -EEXIST)
		return call_fail(EXIT_GUARDED,
			"%s: this file is there already; a new key wants a new file", path);
	if (err) {
		why_errno(&why, err, "%s", path);
		return call_fail(EXIT_FAILED, "%s", why.text);
	}
	return EXIT_OK;
}

void key_out_remove(struct keep *keep, const char *path)
{
	OWN(folder_close_own) struct folder *folder = NULL;
	char absolute[KEEP_PATH];
	const char *name;
	if (keep_absolute(keep->call, path, absolute) &&
		!open_parent(keep, absolute, &folder, &name))
		folder_remove(folder, name, false);
}
