/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request line: refused with a sentence, or words that make a line which gives the
 * same words again. The same bytes as a reply: refused, or a JSON object that says whether it is
 * ok.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "talk/line.h"
#include "talk/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void again(const struct talk_words *words)
{
	OWN(str_done) struct str line = {0};
	struct talk_words twice;
	/* Uncoded bytes above 0x7f stay as they are, so a line never grows on its way. */
	must(talk_line_make(words->at, words->count, &line, NULL) == 0);
	must(talk_line_parse(line.at, line.len - 1, &twice, NULL) == 0);
	must(twice.count == words->count);
	for (size_t i = 0; i < twice.count; i++)
		must(strcmp(twice.at[i], words->at[i]) == 0);
}

static void as_request(const uint8_t *data, size_t len)
{
	OWN(own_free) char *line = malloc(len + 1);
	must(line);
	if (len)
		memcpy(line, data, len);
	struct talk_words words;
	struct why why = {""};
	if (talk_line_parse(line, len, &words, &why))
		must(why.text[0]);
	else if (len < TALK_LINE_MAX)
		again(&words);
}

static void as_reply(const uint8_t *data, size_t len)
{
	OWN(talk_reply_done) struct talk_reply reply = {0};
	struct why why = {""};
	if (talk_reply_parse((const char *)data, len, &reply, &why))
		must(why.text[0]);
	else
		must(reply.doc && (reply.ok || (reply.code > 0 && reply.error)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	as_request(data, len);
	as_reply(data, len);
	return 0;
}
