/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status document of ebbd as a person reads it: one sentence of state, then short lines.
 *
 * Any thread.
 */
#ifndef EBB_EBB_STATUS_TEXT_H
#define EBB_EBB_STATUS_TEXT_H

#include <stdbool.h>

struct json_t;
struct str;

/* Adds the lines. A member that is missing or of another kind is left out or shown as "?". */
void status_text(const struct json_t *status, bool color, struct str *text);

#endif
