/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of changed ranges: any bytes are refused with a sentence, or give ranges that rise. */
#include <stdint.h>

#include "base/must.h"
#include "base/why.h"
#include "ship/changed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct changed changed;
	struct why why = {""};
	uint64_t at = 0, from, to;
	size_t count = 0;
	if (changed_read(data, len, &changed, &why)) {
		must(why.text[0]);
		return 0;
	}
	while (!changed.ranges.next(&changed.ranges, at, &from, &to)) {
		must(from >= at && from < to && to <= INT64_MAX);
		at = to;
		count++;
	}
	must(count == changed.list.len);
	changed_done(&changed);
	return 0;
}
