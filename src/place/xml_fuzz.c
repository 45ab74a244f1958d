/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a small XML document, or are refused within bounds. */
#include <stdint.h>
#include <string.h>

#include "base/must.h"
#include "base/why.h"
#include "place/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool on_element(void *arg, const char *path, const char *text)
{
	size_t *seen = arg;
	++*seen;
	must(*path && strlen(path) < XML_DEPTH * (XML_NAME + 1) && strlen(text) <= XML_TEXT);
	return *seen < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct why why = {""};
	size_t seen = 0;
	int err = xml_walk(bytes, len, on_element, &seen, &why);
	must(err ? *why.text != '\0' : seen > 0);
	return 0;
}
