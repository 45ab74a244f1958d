/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a node a person should know: said to the book of notices (notify/book.h) in each turn.
 *
 * The loop's thread only.
 */
#ifndef EBB_NODE_NOTICING_H
#define EBB_NODE_NOTICING_H

#include <stdbool.h>
#include <stdint.h>

struct act_event;
struct conf_notifies;
struct keeper;
struct node;

/* 0 or -ENOMEM. noticing_end() in any case. */
int noticing_begin(struct node *node);
void noticing_end(struct node *node);

/* Whom to tell from now on; NULL: nobody. After the rest of a configuration was adopted. */
void noticing_set(struct node *node, const struct conf_notifies *to);

/* A job began or ended, or did not begin. */
void noticing_job(struct node *node, const struct act_event *event);

/* In a turn, after jobs were looked after. */
void noticing_turn(struct node *node);

/* A point of it is too old; it will be, as it looks. */
bool noticing_missed(const struct keeper *keeper, int64_t now_s);
bool noticing_at_risk(const struct keeper *keeper, int64_t now_s);

#endif
