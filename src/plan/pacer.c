/* SPDX-License-Identifier: Apache-2.0 */
/* One step of the controller. */
#include "plan/pacer.h"

#include <math.h>

enum { DWELL = 3 };

static const double lately = 0.1; /* of the weight of what is new */
static const double rise = 0.05, fall = 0.5, used_enough = 0.9;
/*
 * When the deadline presses: what is cheap beyond all thresholds; and when a third of the time left
 * would be needed at full speed, more than what would just do.
 */
static const double presses = 30, pressed = 1.5;

/* As much as price and threshold allow at what was measured. */
static double allowed(
	const struct harm_device *device, double busy, double felt, const struct pacer_order *order)
{
	if (isinf(order->price)) {
		double late = order->needed > order->most / 3 ? pressed * order->needed : 0;
		return fmax(fmax(late, harm_share_at(device, busy, presses)), rise * order->most);
	}
	double share = harm_share_at(device, busy, order->price);
	if (!order->pressed && felt > 0)
		return share;
	if (!order->pressed)
		return fmin(share, harm_share_allowed(device, busy));
	return order->needed > order->most / 3 ? fmax(share, pressed * order->needed) : share;
}

static bool too_much(const struct harm_device *device, const struct pacer_seen *seen,
	const struct pacer_order *order)
{
	double without = harm_waiting(device, seen->busy, 0);
	if (isinf(order->price) || order->pressed || !(seen->used > 0))
		return false;
	return seen->felt > 0
		? seen->felt > 1
		: seen->waiting > fmax(without * (1 + device->threshold), device->floor);
}

/* What we must expect of the users in the next step. */
static double expected(struct pacer *pacer, double busy)
{
	if (!pacer->seen) {
		pacer->seen = true;
		pacer->mean = busy;
	}
	double off = busy - pacer->mean;
	pacer->mean += lately * off;
	pacer->apart += lately * (fabs(off) - pacer->apart);
	return fmax(busy, pacer->mean + pacer->apart);
}

void pacer_step(struct pacer *pacer, const struct harm_device *device,
	const struct pacer_seen *seen, const struct pacer_order *order)
{
	double busy = expected(pacer, seen->busy), was = pacer->share;
	double want = fmin(allowed(device, busy, seen->felt, order), order->most);
	bool hold = seen->felt >= 1 && !isinf(order->price) && !order->pressed;
	pacer->dwell -= pacer->dwell > 0;
	if (too_much(device, seen, order))
		want = fmin(want, was * fall);
	if (want <= was)
		pacer->share = want;
	else if (hold)
		pacer->share = was;
	else if (was > 0 ? seen->used >= used_enough * was : !pacer->dwell)
		pacer->share = fmin(want, was + rise * order->most);
	if (pacer->share < rise * order->most / 4 && !isinf(order->price))
		pacer->share = 0;
	if ((was > 0) != (pacer->share > 0))
		pacer->dwell = DWELL;
}
