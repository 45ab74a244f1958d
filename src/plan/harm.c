/* SPDX-License-Identifier: Apache-2.0 */
/* Two closed forms and their inverses. */
#include "plan/harm.h"

#include <math.h>

/* A device without any idle time is never promised, nor divided by. */
static const double full = 0.999;

static double clamp(double x, double most)
{
	return x > 0 ? fmin(x, most) : 0;
}

double harm_waiting(const struct harm_device *device, double busy, double own)
{
	busy = clamp(busy, full);
	double idle = 1 - busy - (device->users_first ? 0 : own);
	return 1 + (busy + device->size * own) / fmax(idle, 1 - full);
}

double harm_rate(const struct harm_device *device, double busy, double own)
{
	busy = clamp(busy, full);
	return busy * (harm_waiting(device, busy, own) - harm_waiting(device, busy, 0));
}

/* d/d own of busy (size (1 - busy) + busy) own / ((1 - busy) (1 - busy - own)). */
static double bend(const struct harm_device *device, double busy)
{
	return busy * (device->size * (1 - busy) + busy);
}

double harm_marginal(const struct harm_device *device, double busy, double own)
{
	busy = clamp(busy, full);
	if (device->users_first)
		return busy * device->size / (1 - busy);
	double idle = fmax(1 - busy - own, 1 - full);
	return bend(device, busy) / (idle * idle);
}

double harm_share_at(const struct harm_device *device, double busy, double price)
{
	busy = clamp(busy, full);
	if (device->users_first)
		return harm_marginal(device, busy, 0) <= price ? 1 - busy : 0;
	if (!(price > 0))
		return busy > 0 ? 0 : 1;
	return clamp(1 - busy - sqrt(bend(device, busy) / price), 1 - busy);
}

double harm_share_allowed(const struct harm_device *device, double busy)
{
	busy = clamp(busy, full);
	double without = harm_waiting(device, busy, 0);
	double most = fmax(without * (1 + device->threshold), device->floor) - 1;
	double left = most * (1 - busy) - busy;
	if (device->users_first)
		return clamp(left / device->size, 1 - busy);
	return clamp(left / (device->size + most), 1 - busy);
}
