/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request: named, signed, sent, and sent again.
 *
 * Waits grow by two from 0.2 s to 20 s, each by a random factor of a half to one, so that many
 * clients of a store that was away do not come back at once (AWS's "exponential backoff and
 * jitter"). A request is signed anew for each try: stores refuse old signatures.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/dice.h"
#include "place/s3_inner.h"
#include "place/s3_time.h"
#include "place/xml.h"

enum { TRIES = 8, RETRY_AFTER_MAX_S = 60, SIGNED_MAX = S3_HEADERS_MAX + 4 };

static const int64_t second_ns = 1000000000, wait_first_ns = 200000000, wait_max_ns = 20000000000;

void s3_query(struct s3_ask *ask, const char *name, const char *value)
{
	ask->query[ask->query_count++] = (struct sigv4_pair){name, value};
}

void s3_header(struct s3_ask *ask, const char *name, const char *value)
{
	ask->headers[ask->header_count++] = (struct sigv4_pair){name, value};
}

int s3_sum(const char *algorithm, const void *bytes, size_t len, char ret_text[S3_SUM])
{
	uint8_t sum[32];
	size_t sum_len;
	if (EVP_Q_digest(NULL, algorithm, NULL, bytes, len, sum, &sum_len) != 1)
		return -EIO;
	EVP_EncodeBlock((uint8_t *)ret_text, sum, (int)sum_len);
	return 0;
}

/* ---- building ---- */

struct request {
	struct str path, url, authorization;
	char host[S3_HOST + S3_BUCKET], time[S3_TIME], hash[SIGV4_HASH];
	struct sigv4_pair headers[SIGNED_MAX];
	size_t header_count;
};

static void request_done(struct request *request)
{
	str_done(&request->path);
	str_done(&request->url);
	str_done(&request->authorization);
}

static void add_header(struct request *request, const char *name, const char *value)
{
	request->headers[request->header_count++] = (struct sigv4_pair){name, value};
}

static int build(const struct s3 *s3, const struct s3_ask *ask, struct request *request)
{
	const struct s3_url *where = &s3->with.where;
	snprintf(request->host, sizeof(request->host), "%s%s%s",
		where->by_host ? where->bucket : "", where->by_host ? "." : "", where->host);
	if (!where->by_host)
		str_addf(&request->path, "/%s", where->bucket);
	if (ask->key || where->by_host)
		str_add(&request->path, "/");
	if (ask->key)
		sigv4_encode(&request->path, ask->key, true);
	str_addf(&request->url, "http%s://%s%s", where->tls ? "s" : "", request->host,
		str_text(&request->path));
	if (ask->query_count)
		str_add(&request->url, "?");
	sigv4_query(&request->url, ask->query, ask->query_count);
	add_header(request, "Host", request->host);
	add_header(request, "x-amz-date", request->time);
	add_header(request, "x-amz-content-sha256", request->hash);
	if (*s3->with.keys.token)
		add_header(request, "x-amz-security-token", s3->with.keys.token);
	for (size_t i = 0; i < ask->header_count; i++)
		add_header(request, ask->headers[i].name, ask->headers[i].value);
	int err = sigv4_hash(ask->body ? ask->body : "", ask->body_len, request->hash);
	return err ? err : str_error(&request->path) ? -ENOMEM : str_error(&request->url);
}

static int sign(struct s3 *s3, const struct s3_ask *ask, struct request *request)
{
	const struct sigv4_key key = {
		s3->with.keys.access_key, s3->with.keys.secret_key, s3->with.where.region, "s3"};
	struct sigv4_request what = {
		.method = ask->method,
		.path = str_text(&request->path),
		.query = ask->query,
		.query_count = ask->query_count,
		.headers = request->headers,
		.header_count = request->header_count,
		.payload_hash = request->hash,
	};
	s3_show_stamp(clock_wall_ns(s3->with.clock) + s3->skew_ns, request->time);
	snprintf(what.time, sizeof(what.time), "%s", request->time);
	str_clear(&request->authorization);
	return sigv4_authorize(&what, &key, &request->authorization);
}

static int send_once(struct s3 *s3, const struct s3_ask *ask, struct request *request,
	struct http_answer *ret_answer, struct why *why)
{
	struct http_header headers[SIGNED_MAX + 2];
	size_t count = 0;
	int err = sign(s3, ask, request);
	if (err)
		return why_errno(why, err, "signing a request");
	for (; count < request->header_count; count++)
		headers[count] = (struct http_header){
			request->headers[count].name, request->headers[count].value};
	headers[count++] = (struct http_header){"Authorization", str_text(&request->authorization)};
	if (ask->body)
		headers[count++] = (struct http_header){"Content-Type", "application/octet-stream"};
	struct http_request wire = {
		.method = ask->method,
		.url = str_text(&request->url),
		.headers = headers,
		.header_count = count,
		.body = ask->body,
		.body_len = ask->body_len,
		.into = ask->into,
		.limit = ask->limit ? ask->limit : S3_XML_MAX,
		.stall_ns = s3->with.where.stall_ns,
	};
	return http_call(s3->with.http, &wire, ret_answer, why);
}

/* ---- judging ---- */

struct find_element {
	const char *path;
	char *text;
	size_t cap;
	bool found;
};

static bool on_element(void *arg, const char *path, const char *text)
{
	struct find_element *find = arg;
	if (strcmp(path, find->path) == 0 && strlen(text) < find->cap) {
		snprintf(find->text, find->cap, "%s", text);
		find->found = true;
	}
	return true;
}

int s3_element(const struct http_answer *answer, const char *path, char *ret_text, size_t cap,
	struct why *why)
{
	struct find_element find = {.path = path, .text = ret_text, .cap = cap};
	if (!answer->body)
		return why_set(why, -EBADMSG, "the answer is empty");
	int err = xml_walk(answer->body, answer->body_len, on_element, &find, why);
	return err || find.found ? err : why_set(why, -EBADMSG, "the answer has no %s", path);
}

const char *s3_error_code(const struct http_answer *answer, char code[64])
{
	code[0] = '\0';
	if (s3_element(answer, "Error/Code", code, 64, NULL))
		code[0] = '\0';
	return code;
}

static int error_of_status(int status, const char *code)
{
	if (strcmp(code, "InvalidObjectState") == 0)
		return -ENODATA; /* in an archive, to be thawed first */
	switch (status) {
	case 404:
		return -ENOENT;
	case 401:
	case 403:
		return -EPERM;
	case 409:
	case 412:
		return -EEXIST;
	case 405:
	case 501:
		return -EOPNOTSUPP;
	case 413:
		return -EFBIG;
	default:
		return -EIO;
	}
}

int s3_refusal(const struct http_answer *answer, struct why *why)
{
	char code[64], message[160] = "", where[S3_WORD] = "";
	s3_error_code(answer, code);
	int err = error_of_status(answer->status, code);
	if (answer->status >= 300 && answer->status < 400) {
		http_answer_header(answer, "x-amz-bucket-region", where, sizeof(where));
		return why_set(why, -EREMCHG,
			"the store sends us elsewhere (status %d), where we do not go%s%s",
			answer->status, *where ? ": the bucket's region is " : "", where);
	}
	if (s3_element(answer, "Error/Message", message, sizeof(message), NULL))
		message[0] = '\0';
	return why_set(why, err, "the store answers %d%s%s%s%s", answer->status, *code ? " " : "",
		code, *message ? ": " : "", message);
}

enum verdict { FINAL, AGAIN_HARMLESS, AGAIN };

/* AGAIN_HARMLESS: the store says that it did nothing. */
static enum verdict judge(struct s3 *s3, const struct http_answer *answer, bool *skewed)
{
	char code[64], date[64];
	int64_t now;
	switch (answer->status) {
	case 429:
	case 503:
		return AGAIN_HARMLESS;
	case 408:
	case 500:
	case 502:
	case 504:
		return AGAIN;
	case 400:
		return strcmp(s3_error_code(answer, code), "RequestTimeout") == 0 ? AGAIN_HARMLESS
										  : FINAL;
	case 403:
		if (*skewed || strcmp(s3_error_code(answer, code), "RequestTimeTooSkewed") != 0 ||
			!http_answer_header(answer, "Date", date, sizeof(date)) ||
			!s3_read_date(date, &now))
			return FINAL;
		*skewed = true;
		s3->skew_ns = now - clock_wall_ns(s3->with.clock);
		return AGAIN_HARMLESS;
	default:
		return FINAL;
	}
}

static enum verdict judge_error(int err)
{
	if (err == -ECONNREFUSED || err == -EHOSTUNREACH)
		return AGAIN_HARMLESS;
	return err == -ETIMEDOUT || err == -ECONNRESET || err == -EPROTO ? AGAIN : FINAL;
}

static int64_t wait_before(struct s3 *s3, int tries, const struct http_answer *answer)
{
	char text[16];
	int64_t ns = wait_first_ns << tries;
	if (ns > wait_max_ns)
		ns = wait_max_ns;
	ns = ns / 2 + (int64_t)(dice_u64(s3->with.dice) % (uint64_t)(ns / 2));
	if (http_answer_header(answer, "Retry-After", text, sizeof(text))) {
		int64_t named = strtol(text, NULL, 10);
		if (named > RETRY_AFTER_MAX_S)
			named = RETRY_AFTER_MAX_S;
		if (named * second_ns > ns)
			ns = named * second_ns;
	}
	return ns;
}

static int try_all(struct s3 *s3, const struct s3_ask *ask, struct request *request,
	struct http_answer *ret_answer, struct why *why)
{
	bool skewed = false;
	for (int tries = 0;; tries++) {
		OWN(http_answer_done) struct http_answer answer = {0};
		int err = send_once(s3, ask, request, &answer, why);
		enum verdict verdict = err ? judge_error(err) : judge(s3, &answer, &skewed);
		if (verdict == FINAL) {
			*ret_answer = answer;
			answer = (struct http_answer){0};
			return err;
		}
		if (verdict == AGAIN && ask->ret_unknown)
			*ask->ret_unknown = true;
		int64_t wait = wait_before(s3, tries, &answer);
		bool late = ask->deadline_ns &&
			clock_mono_ns(s3->with.clock) + wait > ask->deadline_ns;
		if (late || tries + 1 == TRIES || (ask->once && verdict == AGAIN)) {
			if (!err)
				err = s3_refusal(&answer, why);
			return why_prefix(why, err, "tried %d times", tries + 1);
		}
		http_wait(s3->with.http, wait);
	}
}

int s3_call(
	struct s3 *s3, const struct s3_ask *ask, struct http_answer *ret_answer, struct why *why)
{
	OWN(request_done) struct request request = {0};
	*ret_answer = (struct http_answer){0};
	int err = build(s3, ask, &request);
	return err ? why_errno(why, err, "making a request")
		   : try_all(s3, ask, &request, ret_answer, why);
}
