/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections of facts as text: their keys, and what holds where a key is missing. One table for
 * reading and showing.
 *
 * Any thread.
 */
#ifndef EBB_PLAN_SECTION_H
#define EBB_PLAN_SECTION_H

#include <stddef.h>

#include "plan/field.h"

struct facts;

enum section_id {
	SECTION_DEVICE,
	SECTION_TIER,
	SECTION_POLICY,
	SECTION_RESOURCE,
	SECTION_JOB,
	SECTIONS
};

struct section {
	const char *word;
	const struct field *fields;
	size_t count;
	size_t size; /* of its struct, which begins with its name */
	size_t most; /* of them in facts */
};

extern const struct section sections[SECTIONS];

/* Words of enums, by their numbers; NULL at the end. */
extern const char *const kind_words[];
extern const char *const condition_words[]; /* of enum policy_field */
extern const char *const is_words[];        /* of enum policy_is */

/* Sets the struct at `base` to what holds where nothing is said. */
void section_default(enum section_id id, void *base);

/* Where these stand in facts: the array, and the number of them. */
void **section_array(struct facts *facts, enum section_id id, size_t **ret_count);

#endif
