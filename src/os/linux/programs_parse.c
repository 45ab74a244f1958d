/* SPDX-License-Identifier: Apache-2.0 */
/* Processes and control groups, text by text. */
#include "os/linux/programs_parse.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "os/linux/words.h"

/* Fields of /proc/PID/stat behind the name, counted from the state, which is the third of all. */
enum { FIELD_UTIME = 14 - 3, FIELD_STIME, FIELD_START = 22 - 3, FIELD_RSS = 24 - 3 };

static bool skip_words(struct words *words, int count)
{
	const char *word;
	for (int i = 0; i < count; i++)
		if (!words_next(words, ' ', &word))
			return false;
	return true;
}

bool programs_parse_stat(const char *text, struct process_stat *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	struct process_stat stat = {0};
	uint64_t user, system, vsize;
	if (!open || !close || close < open)
		return false;
	snprintf(stat.name, sizeof(stat.name), "%.*s", (int)(close - open - 1), open + 1);
	struct words words = {.next = close + 1};
	if (!words_line(&words) || !skip_words(&words, FIELD_UTIME) ||
		!words_number(&words, &user) || !words_number(&words, &system) ||
		!add_fits(user, system, &stat.cpu_ticks) ||
		!skip_words(&words, FIELD_START - FIELD_STIME - 1) ||
		!words_number(&words, &stat.start_ticks) || !words_number(&words, &vsize) ||
		!words_number(&words, &stat.pages))
		return false;
	*ret = stat;
	return true;
}

bool programs_parse_io(const char *text, uint64_t *ret_read, uint64_t *ret_written)
{
	uint64_t cancelled = 0;
	if (!programs_parse_keyed(text, "read_bytes:", ret_read) ||
		!programs_parse_keyed(text, "write_bytes:", ret_written))
		return false;
	programs_parse_keyed(text, "cancelled_write_bytes:", &cancelled);
	*ret_written -= cancelled < *ret_written ? cancelled : *ret_written;
	return true;
}

bool programs_parse_keyed(const char *text, const char *key, uint64_t *ret)
{
	struct words words = {.next = text};
	while (words_line(&words)) {
		const char *word;
		size_t len = words_next(&words, ' ', &word);
		if (len == strlen(key) && memcmp(word, key, len) == 0)
			return words_number(&words, ret);
	}
	return false;
}

bool programs_parse_number(const char *text, uint64_t *ret)
{
	struct words words = {.next = text};
	return words_line(&words) && words_number(&words, ret);
}

/* "8:16", and whether it is one that counts. */
static bool device(struct words *words, programs_stacked_fn *stacked, void *arg, bool *ret_counts)
{
	const char *word;
	char number[32];
	unsigned major, minor;
	size_t len = words_next(words, ' ', &word);
	if (!len || len >= sizeof(number))
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)len, word);
	if (sscanf(number, "%9u:%9u", &major, &minor) != 2)
		return false;
	*ret_counts = !stacked(arg, major, minor);
	return true;
}

static bool is_word(const char *word, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(word, text, len) == 0;
}

/* The pairs of one line of io.stat. */
static bool add_pairs(struct words *words, bool counts, uint64_t *read, uint64_t *written)
{
	const char *word;
	uint64_t value, none = 0;
	size_t len;
	while ((len = words_next(words, '=', &word)) > 0) {
		uint64_t *sum = !counts                ? &none
			: is_word(word, len, "rbytes") ? read
			: is_word(word, len, "wbytes") ? written
						       : &none;
		if (!words_take(words, "=") || !words_number(words, &value))
			return false;
		none = 0;
		if (!add_fits(*sum, value, sum))
			return false;
	}
	return true;
}

bool programs_parse_io_stat(const char *text, programs_stacked_fn *stacked, void *arg,
	uint64_t *ret_read, uint64_t *ret_written)
{
	struct words words = {.next = text};
	uint64_t read = 0, written = 0;
	bool counts;
	while (words_line(&words))
		if (!device(&words, stacked, arg, &counts) ||
			!add_pairs(&words, counts, &read, &written))
			return false;
	*ret_read = read;
	*ret_written = written;
	return true;
}

bool programs_parse_blkio(const char *text, programs_stacked_fn *stacked, void *arg,
	uint64_t *ret_read, uint64_t *ret_written)
{
	struct words words = {.next = text};
	uint64_t read = 0, written = 0, value;
	bool counts;
	while (words_line(&words)) {
		const char *word;
		if (words_take(&words, "Total"))
			continue;
		if (!device(&words, stacked, arg, &counts))
			return false;
		size_t len = words_next(&words, ' ', &word);
		if (!len || !words_number(&words, &value))
			return false;
		uint64_t *sum = is_word(word, len, "Read") ? &read
			: is_word(word, len, "Write")      ? &written
							   : NULL;
		if (counts && sum && !add_fits(*sum, value, sum))
			return false;
	}
	*ret_read = read;
	*ret_written = written;
	return true;
}

/* The first mount of each kind; a path with a character that is escaped is no usual place. */
static void note_mount(char path[CGROUP_PATH], const char *word, size_t len)
{
	if (!path[0] && len < CGROUP_PATH && !memchr(word, '\\', len))
		snprintf(path, CGROUP_PATH, "%.*s", (int)len, word);
}

static bool has_option(const char *text, size_t len, const char *option)
{
	size_t want = strlen(option);
	for (size_t at = 0; at < len;) {
		size_t end = at;
		while (end < len && text[end] != ',')
			end++;
		if (is_word(text + at, end - at, option) && want)
			return true;
		at = end + 1;
	}
	return false;
}

/* ID PARENT DEVICE ROOT POINT OPTIONS TAGS... - TYPE SOURCE SUPEROPTIONS */
static void mount_line(struct words *words, struct cgroup_mounts *mounts)
{
	const char *point, *word, *type, *source, *options;
	if (!skip_words(words, 4))
		return;
	size_t point_len = words_next(words, ' ', &point), len;
	do
		len = words_next(words, ' ', &word);
	while (len && !is_word(word, len, "-"));
	size_t type_len = words_next(words, ' ', &type);
	words_next(words, ' ', &source);
	size_t options_len = words_next(words, ' ', &options);
	if (is_word(type, type_len, "cgroup2"))
		note_mount(mounts->unified, point, point_len);
	if (!is_word(type, type_len, "cgroup"))
		return;
	if (has_option(options, options_len, "cpuacct"))
		note_mount(mounts->cpu, point, point_len);
	if (has_option(options, options_len, "memory"))
		note_mount(mounts->memory, point, point_len);
	if (has_option(options, options_len, "blkio"))
		note_mount(mounts->io, point, point_len);
}

void programs_parse_mounts(const char *text, struct cgroup_mounts *ret)
{
	struct words words = {.next = text};
	*ret = (struct cgroup_mounts){0};
	while (words_line(&words))
		mount_line(&words, ret);
}
