/* SPDX-License-Identifier: Apache-2.0 */
/* Hours to slots. */
#include "plan/calendar.h"

#include "plan/days.h"

enum { SLOT_MIN = 5, DAY_MIN = 24 * 60 };

/* Does any minute of the slot lie within? `day`: its weekday. */
static bool within(const struct policy_hours *hours, int day, uint32_t min)
{
	uint32_t end = min + SLOT_MIN;
	int before = (day + 6) % 7;
	if (hours->from_min < hours->until_min)
		return hours->days >> day & 1 && min < hours->until_min && end > hours->from_min;
	/* Over midnight: this evening's, or those of the evening before. */
	return (hours->days >> day & 1 && end > hours->from_min) ||
		(hours->days >> before & 1 && min < hours->until_min);
}

bool calendar_caps(const struct facts *facts, const struct facts_device *device,
	const struct policy *policy, float ret_caps[CALENDAR_SLOTS])
{
	int64_t now = facts_slot_of_day(facts);
	for (int i = 0; policy->hours_count && i < CALENDAR_SLOTS; i++) {
		int day = facts_weekday(facts, (now + i) / DAYS_DAY);
		uint32_t min = (uint32_t)((now + i) % DAYS_DAY) * SLOT_MIN;
		ret_caps[i] = (float)device->most;
		for (uint32_t k = 0; k < policy->hours_count; k++) {
			const struct policy_hours *hours = &policy->hours[k];
			float cap = (float)(hours->bytes_per_s / device->speed);
			if (within(hours, day, min) && cap < ret_caps[i])
				ret_caps[i] = cap;
		}
	}
	return policy->hours_count > 0;
}
