/* SPDX-License-Identifier: Apache-2.0 */
/* Points by name. */
#include "ebb/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/ledger.h"
#include "repo/point.h"

enum { PREFIX_MIN = 4 };

/* Which of the head's points begin with these digits: the last one met, and how many. */
static size_t match_points(const struct head *head, const char *name, size_t *ret_last)
{
	size_t matches = 0;
	char hex[33];
	for (size_t i = 0; i < head->points.len; i++) {
		object_show_id(&head->points.at[i].id, hex);
		if (strncmp(hex, name, strlen(name)) == 0) {
			*ret_last = i;
			matches++;
		}
	}
	return matches;
}

bool names_resource(const char *resource, const char *wanted, size_t wanted_len)
{
	size_t len = strlen(resource);
	if (len < wanted_len || memcmp(resource + len - wanted_len, wanted, wanted_len) != 0)
		return false;
	return len == wanted_len || wanted[0] == '/' || resource[len - wanted_len - 1] == '/';
}

static int read_point(struct keep *keep, const struct object_id *id, struct point *ret_point)
{
	struct why why;
	int err = repo_point(keep->repo, id, ret_point, &why);
	return err ? keep_fail(keep, err == -ENOENT ? -EBADMSG : err, &why) : EXIT_OK;
}

/* What stands behind the @: the last moment that counts. */
static int read_moment(const char *text, int64_t *ret_until)
{
	struct why why;
	int64_t first;
	*ret_until = INT64_MAX;
	if (strcmp(text, "latest") == 0)
		return EXIT_OK;
	return units_time(text, &first, ret_until, &why) ? call_fail(EXIT_USAGE, "%s", why.text)
							 : EXIT_OK;
}

int names_each(struct keep *keep, names_fn *fn, void *arg)
{
	const struct head *head = repo_head(keep->repo);
	struct catalog_synced synced;
	struct ledger ledger;
	bool known = ledger_open(keep, false, &ledger);
	int code = EXIT_OK;
	if (known)
		known = catalog_sync(ledger.catalog, keep->repo, &synced, NULL) == 0;
	for (size_t i = 0; !code && i < head->points.len; i++) {
		const struct head_point *named = &head->points.at[i];
		struct point point;
		struct why why = {""};
		int err = known ? catalog_point(ledger.catalog, repo_id(keep->repo), &named->id,
					  &point, NULL)
				: -ENOENT;
		if (err)
			err = repo_point(keep->repo, &named->id, &point, &why);
		code = fn(arg, named, err ? NULL : &point, &why);
	}
	ledger_close(&ledger);
	return code;
}

/* RESOURCE@MOMENT: the newest point of one resource that is not after the moment. */
struct search {
	const char *name;
	size_t len; /* of RESOURCE */
	int64_t until_ns;
	bool found;
	struct point *point;
};

static int try_point(
	void *arg, const struct head_point *named, const struct point *point, const struct why *why)
{
	struct search *search = arg;
	(void)named;
	(void)why;
	if (!point || !names_resource(point->resource, search->name, search->len))
		return EXIT_OK;
	if (search->found && strcmp(point->resource, search->point->resource) != 0)
		return call_fail(EXIT_NO_OBJECT, "'%.60s' is several resources: %s, %s",
			search->name, search->point->resource, point->resource);
	if (point->end_ns > search->until_ns ||
		(search->found && point->end_ns < search->point->end_ns))
		return EXIT_OK;
	*search->point = *point;
	search->found = true;
	return EXIT_OK;
}

static int find_at(struct keep *keep, const char *name, const char *at, struct point *ret_point)
{
	struct search search = {.name = name, .len = (size_t)(at - name), .point = ret_point};
	int code = read_moment(at + 1, &search.until_ns);
	if (!code)
		code = names_each(keep, try_point, &search);
	if (code)
		return code;
	if (!search.found)
		return call_fail(EXIT_NO_OBJECT,
			"there is no point '%.60s'; `ebb snap ls` tells them", name);
	/* As the repository has it: what is restored is not taken from a cache. */
	struct object_id id = search.point->id;
	return read_point(keep, &id, ret_point);
}

int keep_find_point(struct keep *keep, const char *name, struct point *ret_point)
{
	const struct head *head = repo_head(keep->repo);
	size_t at = head->points.len, matches = 1;
	const char *sign = strrchr(name, '@');
	if (!head->points.len)
		return call_fail(EXIT_NO_OBJECT, "%s: there is no point yet", keep->where);
	if (sign && sign > name)
		return find_at(keep, name, sign, ret_point);
	if (strcmp(name, "latest") == 0)
		at--;
	else if (strlen(name) < PREFIX_MIN)
		return call_fail(EXIT_NO_OBJECT,
			"'%.40s': give at least %d digits of a point, or latest", name, PREFIX_MIN);
	else
		matches = match_points(head, name, &at);
	if (matches != 1)
		return call_fail(EXIT_NO_OBJECT,
			matches ? "several points begin with '%.40s'; give more digits"
				: "no point begins with '%.40s'; `ebb snap ls` tells them",
			name);
	return read_point(keep, &head->points.at[at].id, ret_point);
}

int names_filter(const struct call *call, struct names_filter *ret_filter)
{
	const char *since = call->args.values[OPTION_SINCE];
	const char *until = call->args.values[OPTION_UNTIL];
	struct names_filter filter = {.resource = call->args.values[OPTION_RESOURCE],
		.host = call->args.values[OPTION_HOST],
		.since_ns = INT64_MIN,
		.until_ns = INT64_MAX};
	struct why why;
	int64_t other;
	if ((since && units_time(since, &filter.since_ns, &other, &why)) ||
		(until && units_time(until, &other, &filter.until_ns, &why)))
		return call_fail(EXIT_USAGE, "%s", why.text);
	*ret_filter = filter;
	return EXIT_OK;
}

bool names_wanted(const struct names_filter *filter, const struct point *point)
{
	return (!filter->resource ||
		       names_resource(
			       point->resource, filter->resource, strlen(filter->resource))) &&
		(!filter->host || strcmp(point->host, filter->host) == 0) &&
		point->end_ns >= filter->since_ns && point->end_ns <= filter->until_ns;
}
