/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why something failed, for a person. It travels beside a negative errno, by value in the caller's
 * frame: filled where the failure was detected, prefixed on the way up.
 *
 * Every function here accepts NULL for the struct, and returns the error that it was given, so that
 * `return why_set(why, -EINVAL, "...")` is one line.
 *
 * Any thread.
 */
#ifndef EBB_BASE_WHY_H
#define EBB_BASE_WHY_H

struct why {
	char text[400];
};

/* Replaces the text. */
int why_set(struct why *why, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same, with ": " and the error's own words appended. */
int why_errno(struct why *why, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text that stands there. */
int why_prefix(struct why *why, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
