/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a name: what is accepted has one canonical form, which is accepted and stays. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/why.h"
#include "series/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), once[NAME_TEXT], twice[NAME_TEXT];
	struct name name, again;
	struct why why = {""};
	must(text);
	memcpy(text, data, len);
	text[len] = 0;
	if (name_parse(text, &name, &why)) {
		must(why.text[0]);
	} else {
		must(name_text(&name, once) < NAME_TEXT);
		must(name_parse(once, &again, &why) == 0);
		name_text(&again, twice);
		must(strcmp(once, twice) == 0);
		must(name_matches(&name, &again) && name_matches(&again, &name));
	}
	free(text);
	return 0;
}
