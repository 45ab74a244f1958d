/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects as a hostile place may give them back: the parity of any bytes is refused or repaired,
 * and what was repaired is whole when it is looked at again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "chunk/parity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct object_id id;
	struct object_header header;
	struct parity_report report;
	OWN(own_free) uint8_t *copy = malloc(len + 1);
	if (!copy)
		return 0;
	memcpy(copy, data, len);
	object_get_header(copy, len, &header, NULL);
	if (parity_whose(copy, len, &id) || parity_repair(copy, len, &id, &report, NULL))
		return 0;
	must(report.length <= len);
	must(parity_repair(copy, len, &id, &report, NULL) == 0);
	must(!report.damaged && !report.marks_damaged);
	return 0;
}
