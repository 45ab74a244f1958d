/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backup costs those who use the same device. All in units of device time: `busy` is the
 * share of time the device works for its users, `own` the share that we take. Waiting is counted in
 * mean service times of the users' requests.
 *
 *   one queue (M/G/1, our requests `size` times longer):  1 + (busy + size own) / (1 - busy - own)
 *   users first, one of ours at most in service:          1 + (busy + size own) / (1 - busy)
 *   harm per unit of time: busy x (waiting with us - waiting without)
 *
 * Harm is convex in `own`: so one price for the next unit of it, held over all devices and all
 * times, is the cheapest way to get a piece of work done.
 *
 * Any thread.
 */
#ifndef EBB_PLAN_HARM_H
#define EBB_PLAN_HARM_H

#include <stdbool.h>

struct harm_device {
	double size;      /* our mean service time over the users' */
	double threshold; /* waiting may grow by this share: 0.1 */
	double floor;     /* waiting up to this harms nobody */
	bool users_first; /* the queue is ours, and serves users first */
};

double harm_waiting(const struct harm_device *device, double busy, double own);
double harm_rate(const struct harm_device *device, double busy, double own);
double harm_marginal(const struct harm_device *device, double busy, double own);

/* The largest share of which no part costs more than `price`: 0 .. 1 - busy. */
double harm_share_at(const struct harm_device *device, double busy, double price);

/* The largest share that keeps waiting within the threshold. */
double harm_share_allowed(const struct harm_device *device, double busy);

#endif
