/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the requests of users take, as measured, with our own work taken out; and how long they
 * would take without us, from moments at which none of ours ran and users asked as much.
 *
 * The kernel tells how many requests a disk ended, of which direction, and the time that all of
 * them took; not whose they were. In one queue everyone waits for the same things before him, so a
 * mean over all differs from the users' only by our requests being larger, which is known: their
 * size is learnt while nobody else is there. A direction in which next to all was ours tells
 * nothing.
 *
 * Users who are slowed down ask for less, and whoever goes by how much they ask takes that for
 * quiet. So it is never their load that says how they are, but the time of each request; and who
 * was there before us and is seen no more is not taken to be gone at once.
 *
 * The loop's thread only. Knows no clock: a span is a span, a second as a rule.
 */
#ifndef EBB_ACT_WAITS_H
#define EBB_ACT_WAITS_H

#include <stdbool.h>

enum { WAITS_READ, WAITS_WRITE, WAITS_WAYS, WAITS_RATES = 24 };

/* What a device did in a span, and what of it was ours. */
struct waits_way {
	double requests, bytes, seconds; /* ended; theirs; summed time of the requests */
	double own_bytes;
};
struct waits_span {
	double s;
	struct waits_way ways[WAITS_WAYS];
	double users_busy_s; /* device time of users */
	double capacity;     /* bytes that the device moves in a second of its time */
	bool ours;           /* a job of ours was under way */
};

/* Lately, at a rate of users' requests; rates double from one to the next. */
struct waits_quiet {
	double s, apart; /* of a request; how far single moments are from that; s 0: not known */
};

struct waits {
	double own_size[WAITS_WAYS]; /* bytes of a request of ours */
	struct waits_quiet quiet[WAITS_RATES];
	double asked;              /* requests of users a second, before we came, by and by now's */
	double now_s;              /* of a user's request lately; 0: cannot be told */
	bool ours;                 /* a job of ours was under way then */
	double without_s, apart_s; /* what it would be without us; 0: not known */
	double idle_s, backup_s;   /* the last known, without us and with us; 0: never */
};

void waits_begin(struct waits *waits);

void waits_observe(struct waits *waits, const struct waits_span *span);

/* How many requests of a span were ours, of the way of that number. */
double waits_own_requests(const struct waits *waits, const struct waits_way *way, int number);

/* The same where the requests are known to be the users' own, as with a volume. */
void waits_observe_users(
	struct waits *waits, double span_s, double requests, double seconds, bool ours);

/*
 * How users feel it: the time of their requests over what is allowed, which is `threshold` above
 * what it would be, and never less than `floor_s`. Above 1: too much. 1: users who were there are
 * not seen. 0: nothing was measured.
 */
double waits_felt(const struct waits *waits, double threshold, double floor_s);

#endif
