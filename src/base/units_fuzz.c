/* SPDX-License-Identifier: Apache-2.0 */
/* Any text: a duration or size that was read is shown as one that reads back the same. */
#include "base/must.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN(own_free) char *text = malloc(len + 1);
	char shown[UNITS_TEXT];
	struct why why = {""};
	int64_t ns = -7, ns_again;
	uint64_t bytes = 7, bytes_again;
	if (!text)
		return 0;
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	if (units_duration(text, &ns, &why) == 0) {
		must(ns >= 0);
		must(units_duration(units_show_duration(ns, shown), &ns_again, &why) == 0);
		must(ns_again == ns);
	} else {
		must(ns == -7 && why.text[0]);
	}
	if (units_size(text, &bytes, &why) == 0) {
		must(units_size(units_show_size(bytes, shown), &bytes_again, &why) == 0);
		must(bytes_again == bytes);
	} else {
		must(bytes == 7 && why.text[0]);
	}
	if (len >= sizeof(ns)) {
		memcpy(&ns, data, sizeof(ns));
		must(strlen(units_show_time(ns, shown)) == strlen("1970-01-01T00:00:00.000Z"));
		units_show_duration(ns, shown);
	}
	return 0;
}
