/* SPDX-License-Identifier: Apache-2.0 */
/* Replies to JSON and back, by jansson. */
#include "talk/reply.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"

/* Nine digits say a nanosecond of a second; jansson's own 17 would show 0.1 as a row of noise. */
enum { DUMP = JSON_COMPACT | JSON_REAL_PRECISION(9) };

/* Takes the document. What cannot be stored is remembered by the str. */
static void add_document(struct str *reply, json_t *doc)
{
	OWN(own_free) char *text = doc ? json_dumps(doc, DUMP) : NULL;
	json_decref(doc);
	if (text)
		str_add(reply, text);
	else
		reply->failed = true;
}

void talk_reply_ok(struct str *ret_reply, json_t *members)
{
	json_t *doc = members ? json_pack("{s:b}", "ok", 1) : NULL;
	if (doc && json_object_update(doc, members) != 0) {
		json_decref(doc);
		doc = NULL;
	}
	json_decref(members);
	add_document(ret_reply, doc);
}

void talk_reply_refuse(struct str *ret_reply, enum talk_code code, const char *fmt, ...)
{
	char sentence[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, args);
	va_end(args);
	add_document(ret_reply,
		json_pack("{s:b,s:i,s:o}", "ok", 0, "code", (int)code, "error",
			talk_json_text(sentence)));
}

void talk_reply_busy(struct str *ret_reply)
{
	add_document(ret_reply,
		json_pack("{s:b,s:i,s:s,s:b}", "ok", 0, "code", TALK_FAILED, "error",
			"too many clients: try again", "busy", 1));
}

json_t *talk_json_text(const char *text)
{
	json_t *json = json_string(text);
	if (json)
		return json;
	OWN(str_done) struct str ascii = {0};
	for (; *text; text++)
		str_add_bytes(&ascii, (unsigned char)*text < 0x80 ? text : "?", 1);
	return str_error(&ascii) ? NULL : json_string(str_text(&ascii));
}

static int not_a_reply(const char *what, struct why *why)
{
	return why_set(why, -EBADMSG, "not a reply of ebb: %s", what);
}

/* jansson itself cannot say that memory ran out in the middle: that looks like a bad document. */
int talk_reply_parse(const char *line, size_t len, struct talk_reply *ret_reply, struct why *why)
{
	json_error_t error;
	struct talk_reply reply = {.doc = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error)};
	if (!reply.doc && json_error_code(&error) == json_error_out_of_memory)
		return why_set(why, -ENOMEM, "out of memory");
	if (!reply.doc)
		return not_a_reply(error.text, why);
	json_t *ok = json_object_get(reply.doc, "ok");
	json_int_t code = json_integer_value(json_object_get(reply.doc, "code"));
	reply.ok = json_is_true(ok);
	reply.busy = !reply.ok && json_is_true(json_object_get(reply.doc, "busy"));
	reply.error = json_string_value(json_object_get(reply.doc, "error"));
	reply.code = reply.ok || code < 1 || code > 255 ? 0 : (int)code;
	if (!json_is_boolean(ok) || (!reply.ok && (!reply.code || !reply.error))) {
		json_decref(reply.doc);
		return not_a_reply("it does not say whether it is ok, or why not", why);
	}
	*ret_reply = reply;
	return 0;
}

void talk_reply_done(struct talk_reply *reply)
{
	json_decref(reply->doc);
	reply->doc = NULL;
	reply->error = NULL;
}
