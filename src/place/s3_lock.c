/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Object lock: retention in compliance mode, which nobody can shorten, the owner of the account
 * neither. The bucket has to be made with object lock.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "place/s3_inner.h"
#include "place/s3_time.h"

/* Until when it is locked. -ENOENT: there is no such object; 0 with 0: it is not locked. */
static int locked_until(struct s3 *s3, const char *key, int64_t *ret_until_ns)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char text[64], mode[32];
	struct s3_ask ask = {.method = "GET", .key = key};
	s3_query(&ask, "retention", "");
	*ret_until_ns = 0;
	int err = s3_call(s3, &ask, &answer, NULL);
	if (err || answer.status != 200)
		return err ? err : s3_refusal(&answer, NULL);
	if (s3_element(&answer, "Retention/Mode", mode, sizeof(mode), NULL) ||
		s3_element(&answer, "Retention/RetainUntilDate", text, sizeof(text), NULL))
		return 0;
	if (strcmp(mode, "COMPLIANCE") == 0 && !s3_read_time(text, ret_until_ns))
		return -EPROTO;
	return 0;
}

static int put_retention(struct s3 *s3, const char *key, int64_t until_ns, struct why *why)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char body[256], when[S3_TIME], sum[S3_SUM], code[64];
	int len = snprintf(body, sizeof(body),
		"<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>COMPLIANCE"
		"</Mode><RetainUntilDate>%s</RetainUntilDate></Retention>",
		s3_show_time(until_ns, when));
	int err = s3_sum("MD5", body, (size_t)len, sum);
	if (err)
		return why_errno(why, err, "Content-MD5");
	struct s3_ask ask = {.method = "PUT", .key = key, .body = body, .body_len = (size_t)len};
	s3_query(&ask, "retention", "");
	s3_header(&ask, "Content-MD5", sum);
	err = s3_call(s3, &ask, &answer, why);
	if (err || answer.status / 100 == 2)
		return err;
	err = s3_refusal(&answer, why);
	s3_error_code(&answer, code);
	if (answer.status == 400 && strcmp(code, "InvalidRequest") == 0)
		return why_set(why, -EOPNOTSUPP,
			"the bucket was not made with object lock, so nothing in it can be locked");
	return err;
}

int s3_lock(struct place *place, const char *name, int64_t until_ns, struct why *why)
{
	struct s3 *s3 = s3_of(place);
	char key[S3_KEY];
	int64_t already_ns;
	int err = s3_key(s3, name, key);
	if (!err)
		err = put_retention(s3, key, until_ns, why);
	/* Refused as too short: what is locked for longer is locked long enough. */
	if (err && err != -EOPNOTSUPP && !locked_until(s3, key, &already_ns) &&
		already_ns >= until_ns)
		return 0;
	return err ? why_prefix(why, err, "locking %s", name) : 0;
}
