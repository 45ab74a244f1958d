/* SPDX-License-Identifier: Apache-2.0 */
/* A number steps up to the next unit where it would be rounded to one with five digits. */
#include "ebb/amount.h"

#include <inttypes.h>
#include <stdio.h>

const char *amount_bytes(uint64_t bytes, char text[AMOUNT])
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double number = (double)bytes / 1024;
	size_t i = 0;
	if (bytes < 1024)
		return amount_count(bytes, "byte", "bytes", text);
	for (; number >= 1023.5; i++)
		number /= 1024;
	/* 99.95 would be shown as 100.0. */
	snprintf(text, AMOUNT, number < 99.95 ? "%.1f %s" : "%.0f %s", number, names[i]);
	return text;
}

const char *amount_count(uint64_t count, const char *one, const char *many, char text[AMOUNT])
{
	snprintf(text, AMOUNT, "%" PRIu64 " %s", count, count == 1 ? one : many);
	return text;
}
