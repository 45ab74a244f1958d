/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is protected, and the jobs that do it, as a node's verbs tell and steer them.
 *
 * The loop's thread only.
 */
#ifndef EBB_NODE_ACTING_H
#define EBB_NODE_ACTING_H

#include <stddef.h>

struct json_t;
struct node;

/* 0 or -ENOMEM. acting_end() in any case. */
int acting_begin(struct node *node);
void acting_end(struct node *node);

/* In a turn, while what was observed is put: the device time that jobs took. */
void acting_put(struct node *node);

/* In a turn, after what was observed is kept. */
void acting_turn(struct node *node);

/* The members of a status; NULL: no memory. */
struct json_t *acting_json(const struct node *node);

#endif
