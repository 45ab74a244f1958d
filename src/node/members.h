/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of documents that several of them have; no other room includes it.
 *
 * Any thread. Pure.
 */
#ifndef EBB_NODE_MEMBERS_H
#define EBB_NODE_MEMBERS_H

#include <stdint.h>

struct json_t;

/* A moment of seconds since 1970; null: 0, which is none. */
struct json_t *member_time(int64_t at_s);

/* JSON has no infinity: a price without bound is the word "any"; null: below 0, which is none. */
struct json_t *member_price(double price);

/* What is said where a resource has not the name that was asked for. */
extern const char member_nothing[];

#endif
