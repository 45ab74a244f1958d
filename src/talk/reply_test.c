/* SPDX-License-Identifier: Apache-2.0 */
/* What a server writes, a client reads; what is no reply is refused. */
#include "talk/reply.h"

#include <errno.h>
#include <jansson.h>

#include "base/own.h"
#include "base/str.h"
#include "base/test.h"
#include "base/why.h"

static void refuses(const char *line, const char *sentence)
{
	struct talk_reply reply = {.code = 77};
	struct why why = {""};
	CHECK_EQ(talk_reply_parse(line, strlen(line), &reply, &why), -EBADMSG);
	CHECK_STR(why.text, sentence);
	CHECK_EQ(reply.code, 77);
}

TEST(ok_comes_first_and_members_keep_their_order)
{
	OWN(str_done) struct str text = {0};
	talk_reply_ok(&text, json_pack("{s:s,s:f,s:i}", "type", "x", "share", 0.1, "a", 1));
	CHECK_STR(str_text(&text), "{\"ok\":true,\"type\":\"x\",\"share\":0.1,\"a\":1}");
	OWN(talk_reply_done) struct talk_reply reply = {0};
	CHECK_EQ(talk_reply_parse(text.at, text.len, &reply, NULL), 0);
	CHECK(reply.ok);
	CHECK_EQ(reply.code, 0);
	CHECK_STR(json_string_value(json_object_get(reply.doc, "type")), "x");
}

TEST(a_refusal_carries_code_and_sentence)
{
	OWN(str_done) struct str text = {0};
	talk_reply_refuse(&text, TALK_USAGE, "no \"%s\" here", "a\nb");
	CHECK_STR(str_text(&text), "{\"ok\":false,\"code\":2,\"error\":\"no \\\"a\\nb\\\" here\"}");
	OWN(talk_reply_done) struct talk_reply reply = {0};
	CHECK_EQ(talk_reply_parse(text.at, text.len, &reply, NULL), 0);
	CHECK(!reply.ok);
	CHECK_EQ(reply.code, TALK_USAGE);
	CHECK_STR(reply.error, "no \"a\nb\" here");
}

TEST(busy_is_a_refusal_that_says_so)
{
	OWN(str_done) struct str text = {0};
	talk_reply_busy(&text);
	OWN(talk_reply_done) struct talk_reply reply = {0};
	CHECK_EQ(talk_reply_parse(text.at, text.len, &reply, NULL), 0);
	CHECK(!reply.ok && reply.busy);
	CHECK_STR(reply.error, "too many clients: try again");
}

TEST(text_that_is_not_utf8_is_shown_with_question_marks)
{
	OWN(str_done) struct str text = {0};
	talk_reply_refuse(&text, TALK_FAILED, "no caf\xe9 here");
	CHECK_STR(str_text(&text), "{\"ok\":false,\"code\":1,\"error\":\"no caf? here\"}");
}

TEST(members_that_could_not_be_made_are_a_failure)
{
	OWN(str_done) struct str text = {0};
	talk_reply_ok(&text, NULL);
	CHECK_EQ(str_error(&text), -ENOMEM);
}

TEST(what_is_no_reply_is_refused)
{
	const char *unsaid = "not a reply of ebb: it does not say whether it is ok, or why not";
	refuses("[]", unsaid);
	refuses("{}", unsaid);
	refuses("{\"ok\":1}", unsaid);
	refuses("{\"ok\":false}", unsaid);
	refuses("{\"ok\":false,\"code\":0,\"error\":\"x\"}", unsaid);
	refuses("{\"ok\":false,\"code\":256,\"error\":\"x\"}", unsaid);
	refuses("{\"ok\":false,\"code\":1}", unsaid);
	refuses("{\"ok\":true", "not a reply of ebb: '}' expected near end of file");
	refuses("{\"ok\":true}{", "not a reply of ebb: end of file expected near '{'");
	refuses("{\"ok\":true,\"ok\":true}",
		"not a reply of ebb: duplicate object key near '\"ok\"'");
}

TEST_MAIN
