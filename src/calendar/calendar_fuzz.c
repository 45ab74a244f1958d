/* SPDX-License-Identifier: Apache-2.0 */
/* Any text is a calendar that answers within its events, or is refused with a reason and a place.
 */
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "calendar/calendar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct calendar calendar;
	struct why why = {0};
	size_t at = 0;
	OWN(own_free) char *text = len ? strndup((const char *)data, len) : strdup("");
	must(text);
	int err = calendar_parse(text, &calendar, &at, &why);
	must(err ? why.text[0] && at <= strlen(text) : calendar.count <= CALENDAR_EVENTS);
	for (int64_t hour = -50; !err && hour < 24 * 800; hour += 5) {
		int event = calendar_at(&calendar, hour);
		must(event >= -1 && event < (int)calendar.count);
	}
	return 0;
}
