/* SPDX-License-Identifier: Apache-2.0 */
/* A node's memory, for one call. */
#include "ebb/remembered.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "ebb/call.h"
#include "ebb/config.h"
#include "ebb/exit.h"
#include "ebb/folders.h"
#include "foresee/kept.h"
#include "model/network.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/disk.h"
#include "os/linux/textfile.h"
#include "os/linux/world.h"
#include "os/world.h"
#include "series/name.h"
#include "series/series.h"
#include "store/lock.h"
#include "store/whole.h"

int64_t remembered_local(int64_t utc_s)
{
	time_t seconds = (time_t)utc_s;
	struct tm tm;
	return localtime_r(&seconds, &tm) ? utc_s + tm.tm_gmtoff : utc_s;
}

static bool any_name(void *arg, const char *name)
{
	(void)arg, (void)name;
	return false;
}

/* What the configuration says of applications. */
static int add_apps(const struct conf_watched *watched, struct apps *apps)
{
	int err = 0;
	vec_each (entry, &watched->applications) {
		const struct app_said said = {entry->name, entry->series, entry->calendar,
			(enum app_type)entry->type, (enum app_class)entry->class};
		err = err ? err : apps_add(apps, &said);
	}
	return err;
}

/* A question makes no state folder; what is to be remembered does. */
static int open_state(const struct call *call, bool write, struct remembered *ret)
{
	OWN(config_done) struct config config = {0};
	struct why why;
	int code = config_find(call, &config);
	if (code)
		return code;
	memcpy(ret->state, config.conf.state, sizeof(ret->state));
	if (add_apps(&config.watched, &ret->apps))
		return call_fail(EXIT_FAILED, "no memory");
	int err = textfile_list(ret->state, any_name, NULL, &why);
	if (err == -ENOENT && write) {
		err = folders_make(ret->state);
		if (err)
			why_errno(&why, err, "%s", ret->state);
	}
	if (err)
		return call_fail(err == -ENOENT ? EXIT_NO_OBJECT : EXIT_FAILED,
			err == -ENOENT ? "%s; start ebbd, or name its state folder by --state"
				       : "%s",
			why.text);
	if (linux_world_open(ret->state, &(struct linux_options){.workers = 1}, &ret->lw, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	ret->world = linux_world(ret->lw);
	ret->now_ms = clock_wall_ns(ret->world->clock) / NS_PER_MS;
	return EXIT_OK;
}

static int take_lock(struct remembered *ret)
{
	struct why why;
	int err = store_lock(ret->world->disk, "node", &ret->lock, &why);
	if (err == -EWOULDBLOCK)
		return call_fail(EXIT_LOCKED,
			"ebbd runs on %s, and its series belong to it: stop it for this call",
			ret->state);
	return err ? call_fail(EXIT_FAILED, "%s: %s", ret->state, why.text) : EXIT_OK;
}

/* The first step of ebbd's first start, which goes on from there (docs/FORMATS.md). */
static int begin_node(struct remembered *ret, struct why *why)
{
	uint8_t bytes[16] = {0};
	struct whole id = {.label = {.kind = "NODE", .version = 1}, .bytes = bytes, .len = 16};
	put_le64(bytes, (uint64_t)clock_wall_ns(ret->world->clock));
	dice_fill(ret->world->dice, id.label.identity, IDENTITY_SIZE);
	int err = whole_write(ret->world->disk, "node.id", &id, why);
	if (!err)
		fprintf(stderr, "ebb: %s is a new state folder: ebbd will go on with it\n",
			ret->state);
	return err;
}

static int open_series(struct remembered *ret, bool write)
{
	OWN(whole_done) struct whole id = {0};
	const struct label label = {.kind = "NODE", .version = 1};
	struct why why;
	int err = whole_read(ret->world->disk, "node.id", &label, &id, &why);
	if (err == -ENOENT && write) {
		err = begin_node(ret, &why);
		if (!err)
			err = whole_read(ret->world->disk, "node.id", &label, &id, &why);
	}
	if (err == -ENOENT)
		return call_fail(EXIT_NO_OBJECT,
			"%s is no state folder yet: ebbd makes one of it at its first start",
			ret->state);
	struct series_options wanted = {.world = ret->world, .folder = "series"};
	wanted.look = !write;
	wanted.create = write;
	memcpy(wanted.identity, id.label.identity, IDENTITY_SIZE);
	memcpy(ret->identity, id.label.identity, IDENTITY_SIZE);
	if (!err)
		err = series_open(&wanted, &ret->series, &why);
	if (!err)
		ret->feed.series = ret->series;
	if (err == -ENOENT && !write)
		return EXIT_OK;
	return err ? call_fail(err == -EBADMSG ? EXIT_DAMAGED : EXIT_FAILED, "%s/%s", ret->state,
			     why.text)
		   : EXIT_OK;
}

/* The one that ebbd keeps; NULL: there is none. */
static struct network *read_network(const struct remembered *remembered)
{
	struct kept kept = {.disk = remembered->world->disk, .name = ""};
	struct network *network = network_new(1);
	memcpy(kept.identity, remembered->identity, IDENTITY_SIZE);
	if (network && kept_network_read(&kept, network, NULL) == 0)
		return network;
	network_free(network);
	return NULL;
}

int remembered_open(const struct call *call, bool write, struct remembered *ret)
{
	*ret = (struct remembered){0};
	int code = open_state(call, write, ret);
	if (!code && write)
		code = take_lock(ret);
	if (!code)
		code = open_series(ret, write);
	if (code)
		return code;
	ret->feed.local = remembered_local;
	ret->feed.apps = &ret->apps;
	ret->feed.network = read_network(ret);
	ret->feed.work = work_new();
	ret->feed.ahead = malloc(sizeof(*ret->feed.ahead));
	return ret->feed.work && ret->feed.ahead ? EXIT_OK : call_fail(EXIT_FAILED, "no memory");
}

void remembered_close(struct remembered *remembered)
{
	series_close(remembered->series);
	apps_done(&remembered->apps);
	work_free(remembered->feed.work);
	network_free(remembered->feed.network);
	free(remembered->feed.ahead);
	file_close(remembered->lock);
	linux_world_close(remembered->lw);
	*remembered = (struct remembered){0};
}

int remembered_model(const struct remembered *remembered, const struct series_one *one,
	struct fed *fed, bool *ret_kept, struct why *why)
{
	struct kept kept = {.disk = remembered->world->disk, .name = one->name};
	memcpy(kept.identity, remembered->identity, IDENTITY_SIZE);
	fed->id = one->id;
	fed->until_ms = 0;
	*fed->model = (struct model){0};
	*ret_kept = kept_read(&kept, fed, NULL) == 0;
	feed_belong(&remembered->feed, fed, one->name);
	return feed_all(&remembered->feed, remembered->now_ms, fed, why);
}

/* ---- finding ---- */

enum { SHOWN_MAX = 12 };

struct finding {
	const char *word, *metric;
	struct name pattern;
	bool is_pattern;
	size_t count;
	uint32_t id;
	struct str found;
};

/* The end of ours that only says in what it counts. */
static size_t without_unit(const char *metric, size_t len)
{
	static const char *const units[] = {"_total", "_seconds", "_bytes"};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t end = strlen(units[i]);
		if (len > end && memcmp(metric + len - end, units[i], end) == 0)
			len -= end;
	}
	return len;
}

/* As it stands, or of ours the word in the middle: cpu of ebb_program_cpu_seconds_total. */
static bool metric_is(const struct name *name, const char *metric)
{
	const char *text = name->bytes + name->metric.at;
	size_t len = name->metric.len, wanted = strlen(metric);
	if (len == wanted && memcmp(text, metric, len) == 0)
		return true;
	const char *kind = len > 4 && memcmp(text, "ebb_", 4) == 0 ? memchr(text + 4, '_', len - 4)
								   : NULL;
	return kind && without_unit(text, len) == (size_t)(kind + 1 - text) + wanted &&
		memcmp(kind + 1, metric, wanted) == 0;
}

static bool label_is(const struct name *name, const char *word)
{
	for (size_t i = 0; i < name->count; i++) {
		const struct name_part *value = &name->labels[i].value;
		if (value->len == strlen(word) &&
			memcmp(name->bytes + value->at, word, value->len) == 0)
			return true;
	}
	return false;
}

static bool try_one(void *arg, const struct series_one *one)
{
	struct finding *finding = arg;
	struct name name;
	if (name_parse(one->name, &name, NULL) != 0)
		return true;
	bool is = (finding->is_pattern && name_matches(&name, &finding->pattern)) ||
		label_is(&name, finding->word);
	if (!is || (finding->metric && !metric_is(&name, finding->metric)))
		return true;
	/* The name as it stands is meant before all that it is a part of. */
	bool exact = strcmp(one->name, finding->word) == 0;
	finding->id = one->id;
	if (exact || finding->count++ < SHOWN_MAX)
		str_addf(&finding->found, "\n  %s", one->name);
	if (exact)
		finding->count = 1;
	return !exact;
}

int remembered_find(
	const struct remembered *remembered, const char *word, const char *metric, uint32_t *ret_id)
{
	struct finding finding = {.word = word, .metric = metric};
	finding.is_pattern = name_parse(word, &finding.pattern, NULL) == 0;
	if (remembered->series)
		series_each(remembered->series, try_one, &finding);
	int code = EXIT_OK;
	if (!finding.count)
		code = call_fail(EXIT_NO_OBJECT,
			"no series is called '%.100s'%s%.100s; `ebb forecast` lists them", word,
			metric ? " with metric " : "", metric ? metric : "");
	else if (finding.count > 1) {
		code = call_fail(EXIT_USAGE,
			"%zu series are meant by '%.100s'; say which:", finding.count, word);
		fprintf(stderr, "%s%s\n", str_text(&finding.found) + 1,
			finding.count > SHOWN_MAX ? "\n  ..." : "");
	}
	str_done(&finding.found);
	*ret_id = finding.id;
	return code;
}
