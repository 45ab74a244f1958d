/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as line protocol, and as what sadf prints. */
#include <stdlib.h>
#include <string.h>

#include "foresee/influx.h"
#include "foresee/sysstat.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct intake intake = {0};
	char *text = malloc(len + 1);
	const struct influx_options all = {.name = "f", .match = len > 1 ? "m" : NULL};
	if (!text)
		return 0;
	memcpy(text, bytes, len);
	text[len] = '\0';
	if (len && bytes[0] == '{')
		(void)sysstat_read("f", text, len, NULL, &intake, NULL);
	else
		(void)influx_read(&all, text, len, &intake, NULL);
	intake_done(&intake);
	free(text);
	return 0;
}
