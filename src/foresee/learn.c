/* SPDX-License-Identifier: Apache-2.0 */
/* One series after the other, a day at a time. */
#include "foresee/learn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "foresee/kept.h"
#include "model/network.h"
#include "series/series.h"

static struct kept kept_of(const struct learn *learn, const char *name)
{
	struct kept kept = {.disk = learn->disk, .name = name};
	memcpy(kept.identity, learn->identity, IDENTITY_SIZE);
	return kept;
}

int learn_open(struct learn *learn, struct disk *disk, const uint8_t identity[IDENTITY_SIZE],
	local_fn *local)
{
	*learn = (struct learn){.disk = disk};
	memcpy(learn->identity, identity, IDENTITY_SIZE);
	learn->feed.local = local;
	learn->feed.work = work_new();
	learn->feed.ahead = malloc(sizeof(*learn->feed.ahead));
	learn->fed.model = model_new();
	learn->network = learn->feed.network = network_new(1);
	learn->feed.teach = true;
	if (!learn->feed.work || !learn->feed.ahead || !learn->fed.model || !learn->network)
		return -ENOMEM;
	/* One that cannot be read begins anew; models go by their own experts meanwhile. */
	struct kept kept = kept_of(learn, "");
	learn->damaged += kept_network_read(&kept, learn->network, NULL) == -EBADMSG;
	return 0;
}

void learn_close(struct learn *learn)
{
	work_free(learn->feed.work);
	free(learn->feed.ahead);
	model_free(learn->fed.model);
	network_free(learn->network);
	vec_done(&learn->until_ms);
	*learn = (struct learn){.stopped = true};
}

/* How many numbers of series there are. */
static bool count_one(void *arg, const struct series_one *one)
{
	uint32_t *count = arg;
	*count = one->id + 1;
	return true;
}

static bool make_room(struct learn *learn, const struct series *series)
{
	uint32_t count = 0;
	series_each(series, count_one, &count);
	if (vec_reserve(&learn->until_ms, count))
		return false;
	while (learn->until_ms.len < count)
		learn->until_ms.at[learn->until_ms.len++] = 0;
	return true;
}

static void begin(struct learn *learn, const struct series_one *one)
{
	struct kept kept = kept_of(learn, one->name);
	learn->fed.id = one->id;
	learn->fed.until_ms = 0;
	*learn->fed.model = (struct model){0};
	/* One that cannot be read is learnt anew from what the store remembers. */
	int err = kept_read(&kept, &learn->fed, NULL);
	learn->damaged += err == -EBADMSG;
	learn->busy = true;
}

static void keep(struct learn *learn, const struct series_one *one)
{
	struct kept kept = kept_of(learn, one->name);
	learn->busy = false;
	learn->until_ms.at[one->id] = learn->fed.until_ms;
	if (!history_len(&learn->fed.model->history))
		return;
	learn->failure.text[0] = '\0';
	int err = kept_write(&kept, &learn->fed, &learn->failure);
	learn->models += err == 0;
	learn->stopped = err && err != -ENOMEM && err != -ENOSPC && err != -EFBIG;
}

/* The next series whose last look was before today; false: none is. */
static bool find_due(
	struct learn *learn, const struct series *series, int64_t now_ms, struct series_one *ret)
{
	for (; learn->at < learn->until_ms.len; learn->at++)
		if (feed_due(&learn->feed, now_ms, learn->until_ms.at[learn->at]) &&
			series_one(series, learn->at, ret))
			return true;
	learn->at = 0;
	return false;
}

/* When all have had their day. */
static void keep_network(struct learn *learn)
{
	struct kept kept = kept_of(learn, "");
	if (!learn->taught)
		return;
	learn->taught = false;
	learn->failure.text[0] = '\0';
	int err = kept_network_write(&kept, learn->network, &learn->failure);
	learn->stopped = err && err != -ENOMEM && err != -ENOSPC;
}

bool learn_step(struct learn *learn, struct series *series, int64_t now_ms)
{
	struct series_one one;
	bool more = false;
	if (learn->stopped || !make_room(learn, series))
		return false;
	learn->feed.series = series;
	if (!learn->busy) {
		if (!find_due(learn, series, now_ms, &one)) {
			keep_network(learn);
			return false;
		}
		begin(learn, &one);
	} else if (!series_one(series, learn->fed.id, &one)) {
		learn->busy = false;
		return true;
	}
	feed_belong(&learn->feed, &learn->fed, one.name);
	learn->days++;
	learn->taught = true;
	int err = feed_step(&learn->feed, now_ms, &learn->fed, &more, &learn->failure);
	if (err) {
		/* Tried again tomorrow; the store tells of its damage itself. */
		learn->busy = false;
		learn->until_ms.at[one.id] = now_ms;
		learn->at++;
	} else if (!more) {
		keep(learn, &one);
		learn->at++;
	}
	return true;
}
