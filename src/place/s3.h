/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in a bucket of an object store that speaks the S3 protocol. Every object is an object of
 * its name beneath the prefix.
 *
 * Requests are signed, payloads too, so that the store refuses what was changed on the way. What
 * fails in passing (503, a timeout, a broken connection) is tried again after a growing, random
 * time, or the time that the store names. Redirects are not followed.
 *
 * After a failure of put() or put_new() on the way, the object may still appear: with all of its
 * bytes, never with others.
 *
 * Several threads at once.
 */
#ifndef EBB_PLACE_S3_H
#define EBB_PLACE_S3_H

#include <stdint.h>

#include "place/aws.h"
#include "place/url.h"

struct clock;
struct dice;
struct http;
struct place;
struct why;

/*
 * Requests that are paid for so many bytes in packs of 16 MiB, beyond one for each: a pack is
 * begun, sent in three parts, and completed.
 */
static inline uint64_t place_s3_more_puts(uint64_t bytes)
{
	return bytes / (16 << 20) * 4;
}

/* All borrowed but where and keys, which are copied. */
struct s3_options {
	struct s3_url where; /* finished */
	struct aws_keys keys;
	struct http *http;
	struct clock *clock;
	struct dice *dice;
};

/*
 * Asks the store once, so that a bucket that is not there or refuses us is told here. Gives the
 * place. -ENOENT: no such bucket; -EPERM: refused.
 */
int place_s3_open(const struct s3_options *options, struct place **ret_place, struct why *why);

/*
 * Whether the store keeps a name from being put twice, tried on an object of our own. What is put
 * new is safe without that: see s3_new.c.
 */
int place_s3_probe(struct place *place, bool *ret_conditional, struct why *why);

#endif
