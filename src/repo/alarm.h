/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a backup jumps out of the row of its resource: far more of it changed than usual, or far
 * more of what changed does not compress. That is what a ransom looks like, and a restore gone
 * wrong, and now and then a big day's work: so it is told and nothing is removed until a person
 * says that it is right.
 *
 * Pure. Any thread.
 */
#ifndef EBB_REPO_ALARM_H
#define EBB_REPO_ALARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct head;
struct head_point;

/* Shares are told in 250ths; what cannot be said is unknown. */
enum { SHARE_ALL = 250, SHARE_UNKNOWN = 255 };

/* SHARE_UNKNOWN when `whole` is 0. */
uint8_t share_of(uint64_t part, uint64_t whole);

/* A row shorter than this says nothing; only its last points count. */
enum { ALARM_ROW_MIN = 5, ALARM_ROW_MAX = 20 };

/*
 * Whether `now` is a jump upwards against the row: more than six deviations above its median. The
 * deviation is that of the median (MAD), scaled to a normal one's by 1.4826, and at least 4 %: what
 * hardly ever moves may move a little. Median and MAD do not follow single values, however large
 * (P. J. Huber, Robust Statistics, 1981, chapter 5).
 */
bool alarm_jump(const uint8_t *row, size_t count, uint8_t now);

/* The same of a point against those of its resource that the head names. */
bool alarm_point(const struct head *head, const struct head_point *point);

#endif
