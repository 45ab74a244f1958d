/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a wish, and names held against them. */
#include "os/wanted.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/str.h"
#include "base/why.h"

enum { PID_LAST = 4194304 }; /* PID_MAX_LIMIT of Linux */

const char *const host_kinds[HOST_KINDS] = {"unit", "cgroup", "name", "pid"};

static int read_kind(const char *word, size_t len, enum host_kind *ret_kind, struct why *why)
{
	const char *slash = memchr(word, '/', len);
	size_t kind_len = slash ? (size_t)(slash - word) : len;
	for (enum host_kind kind = 0; kind < HOST_KINDS; kind++) {
		if (strlen(host_kinds[kind]) != kind_len ||
			memcmp(host_kinds[kind], word, kind_len) != 0)
			continue;
		if (!slash || kind_len + 1 == len)
			return why_set(why, -EINVAL,
				"'%.*s' says not which: write %s/ and %s, as in %s", (int)len, word,
				host_kinds[kind], kind == HOST_PID ? "a number" : "a name",
				kind == HOST_PID            ? "pid/1234"
					: kind == HOST_UNIT ? "unit/nginx.service"
							    : "name/postgres");
		*ret_kind = kind;
		return 0;
	}
	return why_set(why, -EINVAL,
		"'%.*s' is no kind of program: write unit/NAME, cgroup/PATH, name/NAME or "
		"pid/NUMBER; * in a name stands for any",
		(int)len, word);
}

static int read_pid(const char *text, uint32_t *ret_pid, struct why *why)
{
	uint32_t pid = 0;
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9' || pid > PID_LAST)
			return why_set(
				why, -EINVAL, "'pid/%s': write the number of a process", text);
		pid = pid * 10 + (uint32_t)(*c - '0');
	}
	if (!pid || pid > PID_LAST)
		return why_set(why, -EINVAL, "'pid/%s': processes have the numbers 1 to %d", text,
			PID_LAST);
	*ret_pid = pid;
	return 0;
}

static int read_word(const char *word, size_t len, struct wanted *wanted, struct why *why)
{
	enum host_kind kind;
	int err = len < WANTED_GLOB ? read_kind(word, len, &kind, why)
				    : why_set(why, -EINVAL, "a word of %zu bytes: %d are allowed",
					      len, WANTED_GLOB - 1);
	if (!err && wanted->count == WANTED_MAX)
		err = why_set(
			why, -EINVAL, "more than %d words: let * stand for several", WANTED_MAX);
	if (err)
		return err;
	size_t skip = strlen(host_kinds[kind]) + 1;
	char *glob = wanted->at[wanted->count].glob;
	memcpy(glob, word + skip, len - skip);
	glob[len - skip] = '\0';
	wanted->at[wanted->count].kind = kind;
	if (kind == HOST_PID)
		err = read_pid(glob, &wanted->at[wanted->count].pid, why);
	wanted->count += err == 0;
	return err;
}

int wanted_parse(const char *text, struct wanted *ret, size_t *ret_at, struct why *why)
{
	struct wanted wanted = {0};
	for (size_t at = 0; text[at];) {
		at += strspn(text + at, " \t");
		size_t len = strcspn(text + at, " \t");
		int err = len ? read_word(text + at, len, &wanted, why) : 0;
		if (err) {
			*ret_at = at;
			return err;
		}
		at += len;
	}
	*ret = wanted;
	return 0;
}

bool wanted_any(const struct wanted *wanted, enum host_kind kind)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->at[i].kind == kind)
			return true;
	return false;
}

bool wanted_match(const struct wanted *wanted, enum host_kind kind, const char *name)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->at[i].kind == kind && fnmatch(wanted->at[i].glob, name, 0) == 0)
			return true;
	return false;
}
