/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of days. */
#include "plan/days.h"

#include <math.h>

enum { ALIKE = 24 };

static const double half_life = 14, same_weekday = 2, unlike = 0.5;

float days_size(float busy)
{
	return logf(busy + 0.01f);
}

/* How much the two hours before `now` differ from those of the same time `age` days ago. */
static double difference(struct days_past past, int64_t now, int age)
{
	float sum = 0, count = 0;
	int64_t back = (int64_t)age * DAYS_DAY, from = now - ALIKE;
	for (int64_t slot = from < back ? back : from; slot < now; slot++) {
		float apart = fabsf(past.size[slot] - past.size[slot - back]);
		sum += isnan(apart) ? 0 : apart;
		count += isnan(apart) ? 0 : 1;
	}
	return count > 0 ? (double)(sum / count) : 0;
}

double days_weight_far(int age)
{
	return exp2(-age / half_life) * (age % 7 ? 1 : same_weekday);
}

double days_weight(struct days_past past, int64_t now, int age)
{
	return days_weight_far(age) * exp(-difference(past, now, age) / unlike);
}
