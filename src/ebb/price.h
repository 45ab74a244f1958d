/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a place costs, as --price and the configuration tell it: a number and what it buys, in
 * whatever currency. Several add up.
 *
 *     0.0036/GiB-month    what is kept, a month of 30 days
 *     0.05/GiB            what is sent there, once
 *     0.005/1000-puts     requests that store an object
 *
 * GB, TB and TiB stand for GiB as well, and any other count of puts for 1000.
 *
 * Any thread.
 */
#ifndef EBB_EBB_PRICE_H
#define EBB_EBB_PRICE_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct why;

struct price {
	double byte_month, byte, put; /* for one of each */
	bool given;
};

/* Adds one to those that are there. -EINVAL. */
int price_add(struct price *price, const char *text, struct why *why);

/* The same of several with blanks between them. */
int price_add_all(struct price *price, const char *texts, struct why *why);

/* Those of a call. An exit code. */
int price_read(const struct call *call, struct price *ret_price);

/* The same, and without them those that the configuration tells of the place. */
int price_of(const struct call *call, const char *place, struct price *ret_price);

/* What storing so much costs at once, and what each month costs until it is removed. */
double price_once(const struct price *price, uint64_t bytes, uint64_t objects);
double price_month(const struct price *price, uint64_t bytes);

#endif
