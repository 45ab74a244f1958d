/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting what must be new: of two writers at once exactly one succeeds, whatever the store does
 * with a condition.
 *
 * Newer stores refuse a write with If-None-Match: * when the name is there; others ignore that,
 * and some check it without holding the name while they write. So the condition is sent, and never
 * trusted alone. Before it stands a claim, an object of our own:
 *
 *     1  the name is there                         -> -EEXIST
 *     2  put claim/NAME/OURS
 *     3  list claim/NAME/: a claim of another      -> take ours back, wait, begin again
 *     4  the name is there by now                  -> take ours back, -EEXIST
 *     5  put the name, with the condition
 *     6  read it back and compare with our bytes and our mark
 *     7  take our claim back
 *
 * Why one at most: S3 lists and reads what was written before (strong consistency). Of two writers
 * that both got as far as 3, the one whose list came second saw the other's claim, unless that had
 * been taken back, and then the name was there at 4. Two that see each other both step back, for
 * random times.
 *
 * A writer that dies leaves its claim. Claims have an end: the writer sends 5 within SEND of having
 * sent 2, by its monotonic clock, or not at all; others pass over a claim that is older than DEAD
 * by the store's clock. DEAD is beyond the 15 minutes after which a store refuses a request by its
 * signature, so that not even a request that was held up on the way comes later. Where the store
 * proves, by writing our claim a second time, that it does keep the condition, such a late request
 * is refused by that and both are short. And where it is not known what became of 5, the claim is
 * left to end by itself.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/str.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/dice.h"
#include "place/s3_inner.h"
#include "place/s3_time.h"

enum { CLAIM = 160, MARK = 33, ROUNDS = 40 };

static const int64_t second_ns = 1000000000;
static const int64_t send_short_ns = 20 * second_ns, dead_short_ns = 60 * second_ns;
static const int64_t send_long_ns = 300 * second_ns, dead_long_ns = 1800 * second_ns;
static const int64_t round_ns = 3 * second_ns;

/* One attempt to put one name. */
struct fresh {
	struct s3 *s3;
	const char *name;
	const void *bytes;
	size_t len;
	char mark[MARK];    /* of this attempt */
	char folder[CLAIM]; /* of the claims */
	char claim[CLAIM];  /* ours */
	int64_t began_ns;   /* monotonic, before the claim was sent */
	bool conditional;   /* the store just refused to write our claim twice */
	bool rivals, unknown;
	int64_t dead_ns;
};

static int begin(struct fresh *fresh)
{
	char flat[CLAIM];
	uint8_t mark[16];
	int len = snprintf(flat, sizeof(flat), "%s", fresh->name);
	if (len >= CLAIM - 8 - MARK)
		return -EINVAL;
	for (char *c = flat; *c; c++)
		if (*c == '/')
			*c = '-';
	dice_fill(fresh->s3->with.dice, mark, sizeof(mark));
	for (size_t i = 0; i < sizeof(mark); i++)
		snprintf(fresh->mark + 2 * i, 3, "%02x", (unsigned)mark[i]);
	snprintf(fresh->folder, sizeof(fresh->folder), "claim/%s", flat);
	snprintf(fresh->claim, sizeof(fresh->claim), "claim/%.110s/%s", flat, fresh->mark);
	return 0;
}

/* PUT with the condition where the store knows it. The status, or an error. */
static int put_conditional(struct fresh *fresh, const char *name, const void *bytes, size_t len,
	int64_t deadline_ns, struct why *why)
{
	struct s3 *s3 = fresh->s3;
	OWN(http_answer_done) struct http_answer answer = {0};
	char key[S3_KEY];
	int err = s3_key(s3, name, key);
	struct s3_ask ask = {.method = "PUT",
		.key = key,
		.body = bytes,
		.body_len = len,
		.deadline_ns = deadline_ns,
		.ret_unknown = &fresh->unknown};
	s3_header(&ask, "x-amz-meta-ebb-put", fresh->mark);
	s3_object_headers(s3, name, &ask);
	if (!s3->unconditional)
		s3_header(&ask, "If-None-Match", "*");
	if (!err)
		err = s3_call(s3, &ask, &answer, why);
	if (err)
		return err;
	if (answer.status == 501 && !s3->unconditional) {
		s3->unconditional = true;
		return put_conditional(fresh, name, bytes, len, deadline_ns, why);
	}
	return answer.status == 200 ? 0 : s3_refusal(&answer, why);
}

/* Puts our claim, twice where the store may know conditions: that shows whether it keeps them. */
static int put_claim(struct fresh *fresh, struct why *why)
{
	static const char words[] = "a writer is about to put the object of this name\n";
	fresh->began_ns = clock_mono_ns(fresh->s3->with.clock);
	int err = put_conditional(fresh, fresh->claim, words, sizeof(words) - 1, 0, why);
	/* Its name is ours alone: that it is there is an earlier try of ours. */
	if (err && err != -EEXIST)
		return why_prefix(why, err, "putting a claim");
	fresh->conditional = false;
	if (!fresh->s3->unconditional) {
		err = put_conditional(fresh, fresh->claim, words, sizeof(words) - 1, 0, why);
		fresh->conditional = err == -EEXIST;
		if (err && err != -EEXIST)
			return why_prefix(why, err, "putting a claim");
	}
	fresh->dead_ns = fresh->conditional ? dead_short_ns : dead_long_ns;
	fresh->unknown = false;
	return 0;
}

static void take_back(struct fresh *fresh)
{
	/* One that stays ends by itself. */
	if (!fresh->unknown)
		(void)s3_remove(&fresh->s3->place, fresh->claim);
}

static bool note_rival(void *arg, const struct s3_listed *listed)
{
	struct fresh *fresh = arg;
	int64_t age_ns = listed->now_ns - listed->modified_ns;
	if (strcmp(listed->name, fresh->claim) == 0)
		return true;
	if (age_ns > fresh->dead_ns) {
		(void)s3_remove(&fresh->s3->place, listed->name);
		return true;
	}
	fresh->rivals = !planted(S3_RIVALS_UNSEEN);
	return !fresh->rivals;
}

/* Whether what stands under the name is what this attempt put. -ENOENT: nothing does. */
static int is_ours(struct fresh *fresh, bool *ret_ours, struct why *why)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char key[S3_KEY], mark[64] = "";
	int err = s3_key(fresh->s3, fresh->name, key);
	struct s3_ask ask = {.method = "GET", .key = key, .limit = fresh->len + 1};
	*ret_ours = false;
	if (!err)
		err = s3_call(fresh->s3, &ask, &answer, why);
	if (err == -EFBIG)
		return 0;
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, why);
	if (err)
		return err;
	http_answer_header(&answer, "x-amz-meta-ebb-put", mark, sizeof(mark));
	*ret_ours = strcmp(mark, fresh->mark) == 0 && answer.body_len == fresh->len &&
		(!fresh->len || memcmp(answer.body, fresh->bytes, fresh->len) == 0);
	return 0;
}

static int is_there(struct fresh *fresh, struct why *why)
{
	uint64_t size;
	int err = place_size(&fresh->s3->place, fresh->name, &size);
	if (err == -ENOENT)
		return 0;
	return why_errno(why, err ? err : -EEXIST, "%s", fresh->name);
}

/* Steps 5 and 6. */
static int put_and_look(struct fresh *fresh, struct why *why)
{
	int64_t send_ns = fresh->conditional ? send_short_ns : send_long_ns;
	int64_t deadline_ns = fresh->began_ns + send_ns;
	bool ours;
	if (clock_mono_ns(fresh->s3->with.clock) > deadline_ns)
		return why_set(why, -EAGAIN, "the store is too slow for a claim");
	int err = put_conditional(fresh, fresh->name, fresh->bytes, fresh->len, deadline_ns, why);
	if (err && err != -EEXIST && !fresh->unknown)
		return err;
	int looked = is_ours(fresh, &ours, why);
	if (looked == -ENOENT)
		return err ? err : why_set(why, -EIO, "the store took it and does not have it");
	if (looked)
		return looked;
	fresh->unknown = false;
	return ours ? 0 : why_errno(why, -EEXIST, "%s", fresh->name);
}

/* One round: -EWOULDBLOCK when others want the same name. */
static int one_round(struct fresh *fresh, struct why *why)
{
	int err = is_there(fresh, why);
	if (!err)
		err = begin(fresh);
	if (!err)
		err = put_claim(fresh, why);
	if (err)
		return err;
	fresh->rivals = false;
	err = s3_list(fresh->s3, fresh->folder, note_rival, fresh, why);
	if (!err && fresh->rivals)
		err = why_set(why, -EWOULDBLOCK,
			"another writer is putting it, or died doing so less than %d minutes ago: "
			"try again",
			(int)(fresh->dead_ns / second_ns / 60));
	if (!err && !planted(S3_NAME_NOT_ASKED_AGAIN))
		err = is_there(fresh, why);
	if (!err)
		err = put_and_look(fresh, why);
	take_back(fresh);
	return err;
}

static void step_back(struct s3 *s3, int round)
{
	int64_t most = round < 4 ? round_ns >> (4 - round) : round_ns;
	http_wait(s3->with.http, (int64_t)(dice_u64(s3->with.dice) % (uint64_t)most) + most / 4);
}

int s3_put_new(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	struct fresh fresh = {.s3 = s3_of(place), .name = name, .bytes = bytes, .len = len};
	int err = -EWOULDBLOCK;
	for (int round = 0; err == -EWOULDBLOCK && round < ROUNDS; round++) {
		if (round)
			step_back(fresh.s3, round);
		err = one_round(&fresh, why);
	}
	return err && err != -EEXIST ? why_prefix(why, err, "%s", name) : err;
}

int place_s3_probe(struct place *place, bool *ret_conditional, struct why *why)
{
	struct fresh fresh = {.s3 = s3_of(place), .name = "probe", .bytes = "", .len = 0};
	int err = begin(&fresh);
	if (!err)
		err = put_claim(&fresh, why);
	if (!err)
		*ret_conditional = fresh.conditional;
	take_back(&fresh);
	return err;
}
