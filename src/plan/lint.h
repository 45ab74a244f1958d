/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with policies, before anything is planned by them: policies and rules that nothing
 * reaches, promises that no tier can keep, and money that goes for nothing.
 *
 * Any thread. Pure.
 */
#ifndef EBB_PLAN_LINT_H
#define EBB_PLAN_LINT_H

#include <stddef.h>

struct facts;
struct str;

/* Adds a line for each finding, "policy NAME: ...". Returns how many there are. */
size_t plan_lint(const struct facts *facts, struct str *text);

#endif
