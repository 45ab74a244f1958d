/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ebbd says of its series, in the text format that Prometheus scrapes (version 0.0.4).
 *
 * Any thread.
 */
#ifndef EBB_TALK_METRICS_TEXT_H
#define EBB_TALK_METRICS_TEXT_H

struct json_t;
struct str;

/* Rows of name, kind and value, in any order; series of one metric stand together. */
void metrics_text(const struct json_t *rows, struct str *text);

#endif
