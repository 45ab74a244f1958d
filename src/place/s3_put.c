/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing an object: in one request, or a large one in parts.
 *
 * Many bytes under way make a place fast, and are lost when we are killed. So it is not many
 * objects that are under way but the parts of one: whoever has to wait with his own object helps
 * with those before it. See under_way.h for how much goes at once.
 *
 * The store checks each payload against its signed hash. Its ETag says nothing that we would trust:
 * it is no checksum where the store encrypts or where an object came in parts.
 */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "place/s3_inner.h"

void s3_object_headers(const struct s3 *s3, const char *name, struct s3_ask *ask)
{
	const struct s3_url *where = &s3->with.where;
	bool data = str_starts(name, "data/");
	const char *class = data ? where->data_class : where->meta_class;
	if (*class)
		s3_header(ask, "x-amz-storage-class", class);
}

/* A store that tells a checksum tells that of what it keeps. */
static int check_sum(const struct http_answer *answer, const char *sum, struct why *why)
{
	char told[S3_SUM * 2];
	if (http_answer_header(answer, "x-amz-checksum-sha256", told, sizeof(told)) &&
		strcmp(told, sum) != 0)
		return why_set(why, -EIO, "the store keeps other bytes than were sent");
	return 0;
}

static int put_whole(
	struct s3 *s3, const char *name, const void *bytes, size_t len, struct why *why)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char key[S3_KEY], sum[S3_SUM];
	int err = s3_key(s3, name, key);
	if (!err)
		err = s3_sum("SHA256", bytes, len, sum);
	if (err)
		return why_errno(why, err, "naming it");
	struct s3_ask ask = {.method = "PUT", .key = key, .body = bytes, .body_len = len};
	s3_header(&ask, "x-amz-checksum-sha256", sum);
	s3_object_headers(s3, name, &ask);
	err = s3_call(s3, &ask, &answer, why);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, why);
	return err ? err : check_sum(&answer, sum, why);
}

/* ---- several threads, one object after the other ---- */

static bool is_settled(const struct s3_sending *sending)
{
	return !sending->out && (sending->err || sending->given == sending->upload.count);
}

/* The first part that may go now, of the objects in the order in which they came. */
static struct s3_sending *find_part(struct s3 *s3)
{
	for (struct s3_sending *one = s3->sending; one; one = one->next) {
		if (!one->begun && !under_way_fits(&s3->way, one->len))
			return NULL;
		if (!one->begun)
			under_way_begin(&s3->way, one->len);
		one->begun = true;
		if (!one->err && one->given < one->upload.count)
			return one;
	}
	return NULL;
}

static int send_part(struct s3_sending *sending, unsigned number, struct why *why)
{
	const struct s3_upload *upload = &sending->upload;
	size_t at = number * upload->part;
	size_t len = sending->len - at < upload->part ? sending->len - at : upload->part;
	if (upload->count == 1)
		return put_whole(upload->s3, sending->name, sending->bytes, sending->len, why);
	return s3_upload_part(&sending->upload, number, sending->bytes + at, len, why);
}

/* The mutex is held, but for the sending. */
static void help(struct s3 *s3, struct s3_sending *sending)
{
	struct why why = {""};
	unsigned number = sending->given++;
	sending->out++;
	pthread_mutex_unlock(&s3->mutex);
	int err = send_part(sending, number, &why);
	pthread_mutex_lock(&s3->mutex);
	sending->out--;
	if (err && !sending->err) {
		sending->err = err;
		sending->why = why;
	}
	if (!is_settled(sending))
		return;
	struct s3_sending **at = &s3->sending;
	while (*at != sending)
		at = &(*at)->next;
	*at = sending->next;
	under_way_end(&s3->way, sending->len);
	pthread_cond_broadcast(&s3->moved);
}

/* Until the last byte of it has arrived, or will not. */
static int send_all(struct s3 *s3, struct s3_sending *sending, struct why *why)
{
	pthread_mutex_lock(&s3->mutex);
	struct s3_sending **end = &s3->sending;
	while (*end)
		end = &(*end)->next;
	*end = sending;
	pthread_cond_broadcast(&s3->moved);
	while (!is_settled(sending)) {
		struct s3_sending *part = find_part(s3);
		if (part)
			help(s3, part);
		else
			pthread_cond_wait(&s3->moved, &s3->mutex);
	}
	pthread_mutex_unlock(&s3->mutex);
	return sending->err ? why_set(why, sending->err, "%s", sending->why.text) : 0;
}

int s3_put(struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	struct s3 *s3 = s3_of(place);
	struct s3_sending sending = {.name = name, .bytes = bytes, .len = len};
	int err = s3_upload_begin(s3, name, len, &sending.upload, why);
	if (!err)
		err = send_all(s3, &sending, why);
	if (!err)
		err = s3_upload_complete(&sending.upload, len, why);
	if (err)
		s3_upload_abort(&sending.upload);
	return err ? why_prefix(why, err, "%s", name) : 0;
}
