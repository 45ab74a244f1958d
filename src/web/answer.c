/* SPDX-License-Identifier: Apache-2.0 */
/* Documents and refusals to bytes. */
#include "web/answer.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "talk/reply.h"

void answer_done(struct answer *answer)
{
	str_done(&answer->body);
}

/* Nine digits say a nanosecond of a second; jansson's own 17 would show 0.1 as a row of noise. */
char *answer_dump(const json_t *document)
{
	return json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(9));
}

static const char no_memory[] =
	"{\"error\":{\"what\":\"out of memory\",\"do\":\"ask again in a while\"}}";

static void add(struct answer *answer, json_t *document)
{
	OWN(own_free) char *text = document ? answer_dump(document) : NULL;
	json_decref(document);
	str_clear(&answer->body);
	answer->type = "application/json";
	if (text) {
		str_add(&answer->body, text);
		str_add(&answer->body, "\n");
	}
	if (text && !str_error(&answer->body))
		return;
	answer->status = 503;
	answer->fixed = (const uint8_t *)no_memory;
	answer->fixed_len = strlen(no_memory);
}

void answer_json(struct answer *answer, json_t *document)
{
	answer->status = 200;
	add(answer, document);
}

void answer_refuse(struct answer *answer, int status, const char *what, const char *what_to_do)
{
	answer->status = status;
	add(answer,
		json_pack("{s:{s:o,s:o}}", "error", "what", talk_json_text(what), "do",
			what_to_do ? talk_json_text(what_to_do) : json_null()));
}

void answer_failure(struct answer *answer, int err, const struct why *why)
{
	static const struct {
		int err, status;
		const char *what_to_do;
	} known[] = {
		{-EINVAL, 400, "see /api/v1/openapi.json"},
		{-ENOENT, 404, "GET /api/v1/resources lists what there is"},
		{-ENODATA, 404, "ask again when more was measured"},
		{-EBADMSG, 500, "see the log of ebbd"},
		{-ENOMEM, 503, "ask again in a while"},
		{-EAGAIN, 503, "ask again in a while"},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].err == err) {
			answer_refuse(answer, known[i].status, why->text, known[i].what_to_do);
			return;
		}
	answer_refuse(answer, 500, why->text, "see the log of ebbd");
}
