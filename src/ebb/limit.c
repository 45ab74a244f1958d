/* SPDX-License-Identifier: Apache-2.0 */
/* Rates from a command line and from a file. */
#include "ebb/limit.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/units.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "os/linux/pace.h"
#include "os/linux/textfile.h"

enum { FILE_MAX = 4096 };

/* "20MiB/s", or the same without "/s"; "none". */
static int read_rate(const char *text, uint64_t *ret_rate, struct why *why)
{
	char size[UNITS_TEXT];
	size_t len = strlen(text);
	if (strcmp(text, "none") == 0) {
		*ret_rate = 0;
		return 0;
	}
	if (len > 2 && strcmp(text + len - 2, "/s") == 0)
		len -= 2;
	if (len >= sizeof(size))
		return why_set(why, -EINVAL, "'%.40s' is no rate, as 20MiB/s and none are", text);
	snprintf(size, sizeof(size), "%.*s", (int)len, text);
	return units_size(size, ret_rate, why);
}

static int read_file(const char *path, uint64_t *ret_rate, struct why *why)
{
	OWN(own_free) char *text = NULL;
	size_t len;
	int err = textfile_read(path, FILE_MAX, &text, &len, why);
	if (err)
		return err;
	text[strcspn(text, "\n")] = '\0';
	err = read_rate(text, ret_rate, why);
	return err ? why_prefix(why, err, "%s", path) : 0;
}

/* What cannot be read, as when it is just being written, changes nothing; it is told once. */
static uint64_t on_ask(void *arg, uint64_t rate)
{
	struct limit_file *file = arg;
	struct why why = {""};
	if (read_file(file->path, &rate, &why) && !file->quiet &&
		strcmp(why.text, file->told.text) != 0)
		call_fail(0, "--limit-file: %s; the rate stays as it is", why.text);
	file->told = why;
	return rate;
}

static struct pace *open_pace(struct limit_file *file, uint64_t rate)
{
	file->pace = linux_pace_new(rate);
	if (file->pace && file->path)
		linux_pace_ask(file->pace, on_ask, file);
	return file->pace;
}

int limit_open(const struct call *call, struct limit *ret_limit)
{
	const char *text = call->args.values[OPTION_LIMIT];
	const char *path = call->args.values[OPTION_LIMIT_FILE];
	uint64_t rate = 0;
	struct why why;
	*ret_limit = (struct limit){0};
	if (text && path)
		return call_fail(EXIT_USAGE, "--limit or --limit-file, not both");
	if (text && read_rate(text, &rate, &why))
		return call_fail(EXIT_USAGE, "--limit: %s", why.text);
	if (path && read_file(path, &rate, &why))
		return call_fail(EXIT_USAGE, "--limit-file: %s", why.text);
	ret_limit->files[0].path = ret_limit->files[1].path = path;
	ret_limit->files[1].quiet = true;
	ret_limit->source = open_pace(&ret_limit->files[0], rate);
	ret_limit->place = open_pace(&ret_limit->files[1], rate);
	return ret_limit->source && ret_limit->place ? EXIT_OK
						     : call_fail(EXIT_FAILED, "no memory");
}

void limit_done(struct limit *limit)
{
	linux_pace_free(limit->source);
	linux_pace_free(limit->place);
	*limit = (struct limit){0};
}
