/* SPDX-License-Identifier: Apache-2.0 */
/* What a backup would come to: in bytes, in time by what the last ones took, and in money. */
#include <inttypes.h>

#include "base/own.h"
#include "base/str.h"
#include "ebb/amount.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/ledger.h"
#include "ebb/price.h"
#include "place/s3.h"
#include "ship/estimate.h"

enum { HISTORY = 20 };

/* The last job that ended well and had something to read. */
static bool take_last(void *arg, const struct catalog_job *job)
{
	struct catalog_job *last = arg;
	if (job->outcome != EXIT_OK || !job->read_bytes || job->end_ns <= job->start_ns)
		return true;
	*last = *job;
	last->resource = NULL; /* it is borrowed */
	return false;
}

/* That of this resource, else of any other in this repository: only its rate is of use then. */
static bool last_job(struct keep *keep, struct catalog_job like, struct catalog_job *ret_last)
{
	struct ledger ledger;
	*ret_last = (struct catalog_job){0};
	like.repo = *repo_id(keep->repo);
	if (!ledger_open(keep, false, &ledger))
		return false;
	(void)catalog_jobs(ledger.catalog, &like, HISTORY, take_last, ret_last);
	bool same = ret_last->end_ns;
	like.resource = NULL;
	if (!same)
		(void)catalog_jobs(ledger.catalog, &like, HISTORY, take_last, ret_last);
	ledger_close(&ledger);
	return same;
}

struct guess {
	const struct point *point;
	uint64_t files, read_bytes, stored_bytes, objects;
	uint64_t puts; /* requests that are paid for */
	double rate;   /* bytes a second; 0: nobody knows */
	bool by_last;  /* as the last run of this resource was, not by samples */
	struct price price;
};

/* What cannot be sampled comes to what the last run came to; of a first one nothing is spared. */
static void guess_unsampled(
	const struct backup_run *run, const struct catalog_job *last, struct guess *guess)
{
	const struct estimate whole = {
		.read_bytes = run->source_bytes ? run->source_bytes : last->source_bytes,
		.files = 1};
	double share = last->read_bytes ? (double)last->written_bytes / (double)last->read_bytes
					: 1;
	guess->read_bytes = whole.read_bytes;
	guess->stored_bytes = (uint64_t)((double)whole.read_bytes * (share < 1 ? share : 1));
	guess->objects = estimate_objects(
		&(struct estimate){.read_bytes = guess->stored_bytes, .files = 1});
	guess->by_last = last->read_bytes;
}

static json_t *guess_json(const struct guess *guess)
{
	const struct point *point = guess->point;
	json_t *document = json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:f}", "type", "estimate",
		"entries", (json_int_t)point->entries, "source_bytes",
		(json_int_t)point->source_bytes, "files_to_read", (json_int_t)guess->files,
		"bytes_to_read", (json_int_t)guess->read_bytes, "bytes_to_store",
		(json_int_t)guess->stored_bytes, "objects_to_put", (json_int_t)guess->objects,
		"seconds", guess->rate > 0 ? (double)guess->read_bytes / guess->rate : -1);
	if (document && guess->price.given) {
		json_object_set_new(document, "cost_once",
			json_real(price_once(&guess->price, guess->stored_bytes, guess->puts)));
		json_object_set_new(document, "cost_month",
			json_real(price_month(&guess->price, guess->stored_bytes)));
	}
	return document;
}

static void add_size(struct str *text, const struct guess *guess)
{
	const struct point *point = guess->point;
	if (point->source == POINT_DIR)
		str_addf(text, "%s, %s; would read %s in %s",
			COUNT(point->entries, "entry", "entries"), BYTES(point->source_bytes),
			BYTES(guess->read_bytes), COUNT(guess->files, "file", "files"));
	else if (point->source == POINT_IMAGE)
		str_addf(text, "an image of %s; would read %s", BYTES(point->source_bytes),
			BYTES(guess->read_bytes));
	else
		str_addf(text, "would read about %s", BYTES(guess->read_bytes));
	str_addf(text, " and store about %s, %s, in about %s\n", BYTES(guess->stored_bytes),
		guess->by_last ? "by the last run" : "duplicates not counted",
		COUNT(guess->objects, "object", "objects"));
}

static int say_guess(const struct call *call, const struct guess *guess)
{
	OWN(str_done) struct str text = {0};
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(guess_json(guess));
	add_size(&text, guess);
	double seconds = guess->rate > 0 ? (double)guess->read_bytes / guess->rate : 0;
	if (guess->rate > 0)
		str_addf(&text, "about %.*f s, at the %s/s of the last run\n", seconds < 10,
			seconds, BYTES((uint64_t)guess->rate));
	else
		str_add(&text, "how long that takes nobody knows: nothing was saved here yet\n");
	if (guess->price.given)
		str_addf(&text, "costs about %.4g once, and %.4g each month that it is kept\n",
			price_once(&guess->price, guess->stored_bytes, guess->puts),
			price_month(&guess->price, guess->stored_bytes));
	return call_print(&text);
}

int backup_say_estimate(struct backup_run *run)
{
	struct catalog_job last;
	struct guess guess = {.point = &run->point, .files = run->estimate.files};
	int code = price_of(run->call, run->keep.where, &guess.price);
	if (code)
		return code;
	bool same = last_job(&run->keep, run->job, &last);
	if (last.end_ns)
		guess.rate = (double)last.read_bytes * 1e9 / (double)(last.end_ns - last.start_ns);
	if (!same)
		last = (struct catalog_job){0};
	if (!run->unsampled) {
		guess.read_bytes = run->estimate.read_bytes;
		guess.stored_bytes = estimate_stored(&run->estimate);
		guess.objects = estimate_objects(&run->estimate);
	} else if (!run->source_bytes && !same) {
		return call_fail(EXIT_FAILED,
			"how much it is only reading it would tell: none of this name was saved "
			"here yet");
	} else {
		guess_unsampled(run, &last, &guess);
	}
	guess.puts = guess.objects;
	if (run->keep.place.bucket)
		guess.puts += place_s3_more_puts(guess.stored_bytes);
	return say_guess(run->call, &guess);
}
