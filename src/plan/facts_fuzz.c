/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes are either refused with a sentence that says where, or are facts that, shown, read back
 * as themselves.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/must.h"
#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "plan/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN(arena_done) struct arena arena = {0};
	OWN(str_done) struct str once = {0}, twice = {0};
	/* Of exact size, so that a sanitizer sees the first byte read too far. */
	OWN(own_free) char *text = malloc(len ? len : 1);
	struct facts facts;
	struct why why = {""};
	must(text);
	if (len)
		memcpy(text, data, len);
	if (facts_read(&arena, "input", text, len, &facts, &why) != 0) {
		must(memcmp(why.text, "input:", 6) == 0);
		return 0;
	}
	facts_show(&facts, &once);
	must(!str_error(&once));
	must(facts_read(&arena, "shown", once.at, once.len, &facts, &why) == 0);
	facts_show(&facts, &twice);
	must(once.len == twice.len && memcmp(once.at, twice.at, once.len) == 0);
	return 0;
}
