/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of facts as words: what a section's keys are stands in tables, from which reading and
 * showing come.
 *
 * Any thread.
 */
#ifndef EBB_PLAN_FIELD_H
#define EBB_PLAN_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str;
struct why;

enum field_type {
	FIELD_NAME,     /* char[CORE_NAME] */
	FIELD_WORD,     /* an enum: the number of one of `words` */
	FIELD_DURATION, /* int64_t ns */
	FIELD_SIZE,     /* uint64_t bytes */
	FIELD_SPEED,    /* double, bytes a second, shown as a size */
	FIELD_TIME,     /* int64_t ns since 1970, to the millisecond */
	FIELD_NUMBER,   /* double, to the millionth */
	FIELD_SHARE,    /* double, shown in percent */
	FIELD_COUNT,    /* uint32_t */
	FIELD_FLAG,     /* bool: the key stands alone */
};

struct field {
	const char *key;
	enum field_type type;
	size_t offset;
	bool wanted;              /* has no default */
	double min, max;          /* of numbers, shares and counts */
	const char *const *words; /* NULL at the end */
};

/* Into the struct at `base`. -EINVAL. */
int field_read(const struct field *field, const char *word, void *base, struct why *why);

/* Adds the word that reads as the value. */
void field_show(const struct field *field, const void *base, struct str *text);

/* The same, for values on their own. */
int field_millionths(const char *word, int64_t *ret, struct why *why);
void field_show_millionths(int64_t value, struct str *text);
int field_name(const char *word, char *ret_name, struct why *why);

#endif
