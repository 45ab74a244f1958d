/* SPDX-License-Identifier: Apache-2.0 */
/* Twenty-four hours, each told before and known after. */
#include "act/calibrate.h"

#include <math.h>

#include "act/device.h"

enum { HOUR = DAYS_DAY / 24, LEAST_DAYS = 2, LEAST_HOURS = 72 };

/* As bench/decide --score: a job that takes so much; and what was long ago counts less. */
static const double share = 0.15, forget = 0.9995, full = 1000;

static void learn_hour(struct calibrate *calibrate, const struct device *device,
	const struct harm_device *harm, int64_t midnight, int64_t from)
{
	const struct score_window window = {.from = from, .slots = HOUR, .share = share};
	struct days_past past = device_past(device);
	int came = score_happens(harm, past.busy, &window);
	if (came < 0)
		return;
	double raw = score_raw(harm, past, midnight, &window);
	/* Judged by what was known before: only then it is learnt. */
	double said = score_true(&calibrate->record, raw);
	double mean = calibrate->hours > 0 ? calibrate->came / calibrate->hours : 0.5;
	calibrate->brier += (said - came) * (said - came);
	calibrate->always += (mean - came) * (mean - came);
	calibrate->came += came;
	calibrate->hours += 1;
	score_learn(&calibrate->record, raw, came != 0, forget);
}

bool calibrate_step(
	struct calibrate *calibrate, const struct device *device, const struct harm_device *harm)
{
	int64_t today = (device->first + device_now(device)) / DAYS_DAY * DAYS_DAY;
	int64_t day = device->first + LEAST_DAYS * DAYS_DAY;
	/* A clock that went back begins anew. */
	if (calibrate->until > today)
		*calibrate = (struct calibrate){0};
	if (day < calibrate->until)
		day = calibrate->until;
	if (day >= today)
		return false;
	calibrate->until = day + DAYS_DAY;
	day -= device->first;
	for (int64_t from = day; from < day + DAYS_DAY; from += HOUR)
		learn_hour(calibrate, device, harm, day, from);
	score_fit(&calibrate->record);
	return true;
}

uint32_t calibrate_map(
	const struct calibrate *calibrate, double *ret_said, double *ret_came, uint32_t most)
{
	const struct score_record *record = &calibrate->record;
	uint32_t count = 0;
	if (calibrate->hours < LEAST_HOURS)
		return 0;
	for (size_t i = 0; i < record->bins && count < most; i++) {
		/* In thousandths, as facts are written down. */
		double said = round(record->at[i] * full) / full;
		double came = round(record->fitted[i] * full) / full;
		if (count && said <= ret_said[count - 1])
			continue;
		ret_said[count] = said;
		ret_came[count++] = came;
	}
	return count;
}

double calibrate_skill(const struct calibrate *calibrate)
{
	return calibrate->hours >= LEAST_HOURS && calibrate->always > 0
		? 1 - calibrate->brier / calibrate->always
		: 0;
}
