/* SPDX-License-Identifier: Apache-2.0 */
/* From facts to text, and their calendar. */
#include <string.h>

#include "base/str.h"
#include "base/units.h"
#include "plan/days.h"
#include "plan/facts.h"
#include "plan/facts_list.h"
#include "plan/section.h"

static const int64_t slot_ns = NS_PER_DAY / DAYS_DAY;

/* Rounds down below zero too. */
static int64_t days_of(int64_t ns)
{
	return ns / NS_PER_DAY - (ns % NS_PER_DAY < 0);
}

int64_t facts_slot_of_day(const struct facts *facts)
{
	int64_t local = facts->now_ns + facts->zone_ns;
	return (local - days_of(local) * NS_PER_DAY) / slot_ns;
}

int64_t facts_slot(const struct facts *facts, const struct facts_device *device)
{
	return (int64_t)device->days * DAYS_DAY + facts_slot_of_day(facts);
}

int facts_weekday(const struct facts *facts, int64_t ahead)
{
	/* The first day of 1970 was a Thursday. */
	int64_t day = (days_of(facts->now_ns + facts->zone_ns) + ahead + 3) % 7;
	return (int)(day < 0 ? day + 7 : day);
}

/* A key stands there unless it says what holds anyhow. */
static void show_fields(
	const struct section *section, const void *base, const void *fallback, struct str *text)
{
	struct str says = {0}, anyhow = {0};
	for (size_t i = 0; i < section->count; i++) {
		const struct field *field = &section->fields[i];
		str_clear(&says);
		str_clear(&anyhow);
		field_show(field, base, &says);
		field_show(field, fallback, &anyhow);
		bool same = field->type == FIELD_FLAG
			? !*(const bool *)(const void *)((const char *)base + field->offset)
			: strcmp(str_text(&says), str_text(&anyhow)) == 0;
		if (same && !field->wanted)
			continue;
		str_addf(text, "  %s%s%s\n", field->key, field->type == FIELD_FLAG ? "" : " ",
			str_text(&says));
	}
	text->failed |= says.failed || anyhow.failed;
	str_done(&says);
	str_done(&anyhow);
}

void facts_show(const struct facts *facts, struct str *text)
{
	char now[UNITS_TEXT], zone[UNITS_TEXT];
	union {
		struct facts_device device;
		struct tier tier;
		struct policy policy;
		struct resource resource;
		struct job job;
	} fallback;
	bool west = facts->zone_ns < 0;
	str_addf(text, "ebb facts 1\nnow %s\n", units_show_time(facts->now_ns, now));
	if (facts->zone_ns)
		str_addf(text, "zone %s%s\n", west ? "-" : "",
			units_show_duration(west ? -facts->zone_ns : facts->zone_ns, zone));
	for (int id = 0; id < SECTIONS; id++) {
		size_t *count;
		/* Only looked at: the array of a const struct cannot be had without a cast. */
		void **array = section_array(
			(struct facts *)(uintptr_t)facts, (enum section_id)id, &count);
		section_default((enum section_id)id, &fallback);
		for (size_t i = 0; i < *count; i++) {
			const char *base = (const char *)*array + i * sections[id].size;
			str_addf(text, "\n%s %s\n", sections[id].word, base);
			show_fields(&sections[id], base, &fallback, text);
			facts_list_show(facts, (enum section_id)id, base, text);
		}
	}
}
