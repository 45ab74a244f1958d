/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP by libcurl. Each call takes a handle out of the pool, or a new one: a handle keeps its
 * connections, so that the next call finds them open.
 */
#include "os/linux/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/container.h"
#include "base/own.h"
#include "base/str.h"
#include "base/why.h"

enum { IDLE_MAX = 16, CONNECT_MS = 20000, SLOW_BYTES = 256, HEADER_LINE = 4096 };

struct linux_http {
	struct http http;
	pthread_mutex_t mutex;
	CURL *idle[IDLE_MAX];
	size_t idle_count;
	char *ca_file, *proxy;
};

/* One call under way. */
struct transfer {
	const struct http_request *request;
	CURL *curl;
	struct str headers;
	uint8_t *body;
	size_t len, cap;
	bool too_long, no_memory;
};

static CURL *take_handle(struct linux_http *http)
{
	CURL *curl = NULL;
	pthread_mutex_lock(&http->mutex);
	if (http->idle_count)
		curl = http->idle[--http->idle_count];
	pthread_mutex_unlock(&http->mutex);
	return curl ? curl : curl_easy_init();
}

static void return_handle(struct linux_http *http, CURL *curl)
{
	pthread_mutex_lock(&http->mutex);
	if (http->idle_count < IDLE_MAX) {
		http->idle[http->idle_count++] = curl;
		curl = NULL;
	}
	pthread_mutex_unlock(&http->mutex);
	if (curl)
		curl_easy_cleanup(curl);
}

/* A status line begins an answer: what came before belonged to a "100 Continue" or the like. */
static size_t on_header(char *bytes, size_t one, size_t len, void *arg)
{
	struct transfer *transfer = arg;
	(void)one;
	if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
		str_clear(&transfer->headers);
	if (len > HEADER_LINE || transfer->headers.len + len > HTTP_HEADERS_MAX)
		return 0;
	str_add_bytes(&transfer->headers, bytes, len);
	return transfer->headers.failed ? 0 : len;
}

static bool grow_body(struct transfer *transfer, size_t need, size_t limit)
{
	size_t cap = transfer->cap ? transfer->cap : 4096;
	if (need <= transfer->cap)
		return true;
	while (cap < need)
		cap *= 2;
	if (cap > limit)
		cap = limit;
	uint8_t *body = realloc(transfer->body, cap);
	if (!body)
		return false;
	transfer->body = body;
	transfer->cap = cap;
	return true;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *arg)
{
	struct transfer *transfer = arg;
	long status = 0;
	(void)one;
	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	bool good = status / 100 == 2;
	uint8_t *into = good ? transfer->request->into : NULL;
	size_t limit = good ? transfer->request->limit : HTTP_FAILURE_MAX;
	transfer->too_long = len > limit - transfer->len;
	if (transfer->too_long)
		return 0;
	transfer->no_memory = !into && !grow_body(transfer, transfer->len + len, limit);
	if (transfer->no_memory)
		return 0;
	memcpy((into ? into : transfer->body) + transfer->len, bytes, len);
	transfer->len += len;
	return len;
}

static void set_method(CURL *curl, const struct http_request *request)
{
	if (strcmp(request->method, "HEAD") == 0) {
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
		return;
	}
	if (request->body || strcmp(request->method, "PUT") == 0 ||
		strcmp(request->method, "POST") == 0) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

/* The large buffers pay: a pack is sent in 256 KiB writes. */
static void set_options(struct linux_http *http, CURL *curl, struct transfer *transfer)
{
	const struct http_request *request = transfer->request;
	int64_t stall_s = (request->stall_ns + 999999999) / 1000000000;
	curl_easy_setopt(curl, CURLOPT_URL, request->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 262144L);
	curl_easy_setopt(curl, CURLOPT_PROXY, http->proxy ? http->proxy : "");
	if (http->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, http->ca_file);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
		(long)(stall_s * 1000 < CONNECT_MS ? stall_s * 1000 : CONNECT_MS));
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)stall_s);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	set_method(curl, request);
}

/* "Expect:" and the like leave out what libcurl would add by itself. */
static struct curl_slist *make_headers(const struct http_request *request)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	for (size_t i = 0; list && i < request->header_count; i++) {
		OWN(str_done) struct str line = {0};
		str_addf(&line, "%s: %s", request->headers[i].name, request->headers[i].value);
		struct curl_slist *more = str_error(&line)
			? NULL
			: curl_slist_append(list, str_text(&line));
		if (!more)
			curl_slist_free_all(list);
		list = more;
	}
	return list;
}

static int error_of(CURLcode code, const struct transfer *transfer)
{
	if (transfer->too_long)
		return -EFBIG;
	if (transfer->no_memory || code == CURLE_OUT_OF_MEMORY)
		return -ENOMEM;
	switch ((int)code) {
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return -EKEYREJECTED;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return -ECONNRESET;
	default:
		return -EPROTO;
	}
}

static int give_answer(CURL *curl, struct transfer *transfer, struct http_answer *ret_answer)
{
	long status = 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	char *headers = transfer->headers.at ? str_take(&transfer->headers) : strdup("");
	if (!headers)
		return -ENOMEM;
	*ret_answer = (struct http_answer){
		(int)status, headers, TAKE(transfer->body), transfer->len};
	return 0;
}

static int call(struct http *base, const struct http_request *request,
	struct http_answer *ret_answer, struct why *why)
{
	struct linux_http *http = container_of(base, struct linux_http, http);
	struct transfer transfer = {.request = request};
	CURL *curl = take_handle(http);
	struct curl_slist *headers = make_headers(request);
	int err = curl && headers ? 0 : -ENOMEM;
	if (!err) {
		curl_easy_reset(curl); /* keeps connections */
		transfer.curl = curl;
		set_options(http, curl, &transfer);
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		CURLcode code = curl_easy_perform(curl);
		err = code ? why_set(why, error_of(code, &transfer), "%s", curl_easy_strerror(code))
			   : give_answer(curl, &transfer, ret_answer);
	}
	curl_slist_free_all(headers);
	if (curl)
		return_handle(http, curl);
	str_done(&transfer.headers);
	free(transfer.body);
	return err;
}

static void wait_ns(struct http *base, int64_t ns)
{
	struct timespec left = {ns / 1000000000, ns % 1000000000};
	(void)base;
	while (nanosleep(&left, &left) == -1 && errno == EINTR)
		;
}

int linux_http_open(
	const struct linux_http_options *options, struct linux_http **ret_http, struct why *why)
{
	static const struct http_ops ops = {.call = call, .wait = wait_ns};
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return why_set(why, -ENOSYS, "libcurl does not start");
	struct linux_http *http = calloc(1, sizeof(*http));
	if (!http)
		return -ENOMEM;
	http->http.ops = &ops;
	pthread_mutex_init(&http->mutex, NULL);
	http->ca_file = options->ca_file ? strdup(options->ca_file) : NULL;
	http->proxy = options->proxy ? strdup(options->proxy) : NULL;
	if ((options->ca_file && !http->ca_file) || (options->proxy && !http->proxy)) {
		linux_http_close(http);
		return -ENOMEM;
	}
	*ret_http = http;
	return 0;
}

struct http *linux_http(struct linux_http *http)
{
	return &http->http;
}

void linux_http_close(struct linux_http *http)
{
	if (!http)
		return;
	while (http->idle_count)
		curl_easy_cleanup(http->idle[--http->idle_count]);
	pthread_mutex_destroy(&http->mutex);
	free(http->ca_file);
	free(http->proxy);
	free(http);
	curl_global_cleanup();
}
