/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of series: a metric with labels, as Prometheus writes them,
 *
 *     ebb_disk_read_bytes_total{device="sda",node="a"}
 *
 * in one canonical form: labels sorted, none without a value, none twice. A metric is letters,
 * digits, "_" and ":", a label's name without ":", neither begins with a digit; a value is any
 * UTF-8 without control characters, where `"`, `\` and a line's end are written \" \\ \n.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_SERIES_NAME_H
#define EBB_SERIES_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

enum {
	NAME_LABELS = 24,
	NAME_WORD = 128,   /* bytes of a metric or of a label's name */
	NAME_VALUE = 512,  /* bytes of a label's value */
	NAME_BYTES = 1024, /* of all of them together */
	NAME_TEXT = 2 * NAME_BYTES + 4 * NAME_LABELS + 8, /* of the text, its NUL included */
};

struct name_part {
	uint16_t at, len; /* in name.bytes */
};

struct name {
	char bytes[NAME_BYTES];
	size_t used;
	struct name_part metric;
	size_t count;
	struct {
		struct name_part key, value;
	} labels[NAME_LABELS]; /* sorted by key */
};

/* Begins a name. -EINVAL, with a sentence, like all that follow. */
int name_start(struct name *name, const char *metric, size_t len, struct why *why);

/* Adds a label; an empty value is as no label. A name is valid after each. */
int name_add(struct name *name, const char *key, size_t key_len, const char *value,
	size_t value_len, struct why *why);

/* The same, for text with a NUL. */
int name_label(struct name *name, const char *key, const char *value, struct why *why);

int name_parse(const char *text, struct name *ret, struct why *why);

/* The canonical text; returns its length. */
size_t name_text(const struct name *name, char text[NAME_TEXT]);

/* A label's value, not NUL-terminated; NULL: it has no such label. */
const char *name_value(const struct name *name, const char *key, size_t *ret_len);

/* Whether the metric is the same and all labels of `pattern` are there with the same values. */
bool name_matches(const struct name *name, const struct name *pattern);

#endif
