/* SPDX-License-Identifier: Apache-2.0 */
/* A folder into a repository, once. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/vec.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "os/clock.h"
#include "os/linux/textfile.h"
#include "os/world.h"
#include "repo/point.h"
#include "ship/backup.h"

enum { EXCLUDES_MAX = 1 << 20, HOST_MAX = 256 };

static void on_trouble(void *arg, const char *path, const char *what)
{
	(void)arg;
	fprintf(stderr, "ebb: %s: %s\n", path, what);
}

struct showing {
	struct clock *clock;
	int64_t began_ns, next_ns;
	bool shown;
};

/* One line on a terminal, five times a second at most; nothing elsewhere. */
static void on_progress(void *arg, const struct backup_progress *now)
{
	struct showing *showing = arg;
	int64_t t = clock_mono_ns(showing->clock);
	if (t < showing->next_ns)
		return;
	showing->next_ns = t + NS_PER_SEC / 5;
	showing->shown = true;
	double seconds = (double)(t - showing->began_ns) / 1e9;
	fprintf(stderr, "\r\033[K%" PRIu64 " entries, %.1f MiB, %.1f MiB read, %.1f MiB/s",
		now->entries, (double)now->bytes / 1048576, (double)now->read_bytes / 1048576,
		seconds > 0 ? (double)now->read_bytes / 1048576 / seconds : 0);
}

/* Lines of a file, without empty ones and those that begin with #. They point into `text`. */
static int split_patterns(char *text, const char ***ret_list, size_t *ret_count)
{
	VEC(const char *) list = {0};
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		if (!*line || *line == '#')
			continue;
		if (vec_push(&list, line)) {
			vec_done(&list);
			return -ENOMEM;
		}
	}
	*ret_list = list.at;
	*ret_count = list.len;
	return 0;
}

static void read_host(char host[HOST_MAX])
{
	OWN(own_free) char *text = NULL;
	size_t len;
	host[0] = '\0';
	if (textfile_read("/proc/sys/kernel/hostname", HOST_MAX, &text, &len, NULL) == 0)
		snprintf(host, HOST_MAX, "%.*s", (int)strcspn(text, "\n"), text);
}

static int say_point(const struct call *call, const struct point *point)
{
	OWN(str_done) struct str text = {0};
	char hex[33];
	if (args_given(&call->args, OPTION_JSON)) {
		json_t *document = keep_point_json(point);
		if (document)
			json_object_set_new(document, "type", json_string("backup"));
		return keep_print_json(document);
	}
	double seconds = (double)(point->end_ns - point->start_ns) / 1e9;
	str_addf(&text,
		"point %.8s: %" PRIu64
		" entries, %.1f MiB; read %.1f MiB, wrote %.1f MiB in %.1f s\n",
		object_show_id(&point->id, hex), point->entries,
		(double)point->source_bytes / 1048576, (double)point->read_bytes / 1048576,
		(double)point->written_bytes / 1048576, seconds);
	if (point->unreadable)
		str_addf(&text, "%" PRIu64 " entries could not be read: the point is partial\n",
			point->unreadable);
	return call_print(&text);
}

int call_backup(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(own_free) char *patterns = NULL;
	OWN(own_free) const char **excludes = NULL;
	char path[KEEP_PATH], resource[KEEP_PATH + 8], host[HOST_MAX];
	size_t len, exclude_count = 0;
	struct point point;
	struct why why = {""};
	const char *exclude_file = call->args.values[OPTION_EXCLUDE_FILE];
	if (!keep_absolute(call, call->args.operands[0], path))
		return call_fail(EXIT_USAGE, "PATH is too long");
	if (exclude_file && textfile_read(exclude_file, EXCLUDES_MAX, &patterns, &len, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	if (patterns && split_patterns(patterns, &excludes, &exclude_count))
		return call_fail(EXIT_FAILED, "no memory");
	int code = keep_open(call, &keep);
	if (code)
		return code;
	read_host(host);
	snprintf(resource, sizeof(resource), "dir%s", path);
	struct showing showing = {.clock = keep.world->clock};
	showing.began_ns = clock_mono_ns(showing.clock);
	bool terminal = isatty(STDERR_FILENO) && !args_given(&call->args, OPTION_JSON);
	struct backup_options how = {
		.path = path,
		.resource = resource,
		.host = host,
		.writer = "ebb " EBB_VERSION,
		.excludes = excludes,
		.exclude_count = exclude_count,
		.one_file_system = args_given(&call->args, OPTION_ONE_FILE_SYSTEM),
		.force_full = args_given(&call->args, OPTION_FULL),
		.on_trouble = on_trouble,
		.on_progress = terminal ? on_progress : NULL,
		.arg = &showing,
	};
	int err = backup_dir(keep.repo, &keep.files, keep.world->clock, &how, &point, &why);
	if (showing.shown)
		fputs("\r\033[K", stderr);
	if (err)
		return call_fail(EXIT_FAILED, "no point was made: %s", why.text);
	code = say_point(call, &point);
	return code ? code : point.partial ? EXIT_PARTIAL : EXIT_OK;
}
