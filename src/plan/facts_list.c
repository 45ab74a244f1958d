/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that may stand several times, read and shown. */
#include "plan/facts_list.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "plan/field.h"

enum { WEEKDAYS = 0x1f, WEEKENDS = 0x60, DAY_MIN = 24 * 60, MILLION = 1000000 };

void facts_list_begin(struct facts_list *list)
{
	list->days = 0;
	list->today = 0;
	list->said_today = false;
}

static int bad(const struct facts_line *line, size_t word, struct why *why, const char *text)
{
	*line->ret_bad = word;
	return why_set(why, -EINVAL, "'%.40s': %s",
		word < line->count ? line->words[word] : line->words[0], text);
}

/* Digits only, and no more than `most`. */
static bool whole(const char *word, size_t len, uint32_t most, uint32_t *ret)
{
	uint32_t value = 0;
	for (size_t i = 0; i < len; i++) {
		if (word[i] < '0' || word[i] > '9' || value > most)
			return false;
		value = value * 10 + (uint32_t)(word[i] - '0');
	}
	*ret = value;
	return len && value <= most;
}

/* ---- load ---- */

static int read_runs(const struct facts_line *line, size_t from, uint16_t *ret, size_t *ret_slots,
	struct why *why)
{
	size_t slots = 0;
	for (size_t i = from; i < line->count; i++) {
		const char *word = line->words[i], *star = strchr(word, '*');
		size_t len = star ? (size_t)(star - word) : strlen(word);
		uint32_t value = FACTS_GAP, times = 1;
		if (!(len == 1 && *word == '-') && !whole(word, len, FACTS_FULL, &value))
			return bad(line, i, why,
				"a load is 0 to 1000, or - for a gap, and *N behind it for N "
				"slots");
		if (star && (!whole(star + 1, strlen(star + 1), DAYS_DAY, &times) || !times))
			return bad(line, i, why, "a run is 1 to 288 slots long");
		if (slots + times > DAYS_DAY)
			return bad(line, i, why, "a day has 288 slots");
		for (uint32_t k = 0; k < times; k++)
			ret[slots++] = (uint16_t)value;
	}
	*ret_slots = slots;
	return 0;
}

static int read_past(struct facts_list *list, const struct facts_line *line, struct why *why)
{
	uint32_t days = 0;
	size_t slots = 0;
	if (line->count < 3 || !whole(line->words[1], strlen(line->words[1]), FACTS_DAYS, &days) ||
		!days)
		return bad(line, line->count > 1, why,
			"past takes a number of days, 1 to 60, and their load");
	if (list->days + days > FACTS_DAYS)
		return bad(line, 1, why, "more than 60 days");
	int err = read_runs(line, 2, list->past[list->days], &slots, why);
	if (err)
		return err;
	if (slots != DAYS_DAY)
		return bad(line, 0, why, "these are not the 288 slots of a day");
	for (uint32_t i = 1; i < days; i++)
		memcpy(list->past[list->days + i], list->past[list->days], sizeof(list->past[0]));
	list->days += days;
	return 0;
}

static int read_today(struct facts_list *list, const struct facts_line *line, struct why *why)
{
	if (list->said_today)
		return bad(line, 0, why, "this was said already");
	list->said_today = true;
	return read_runs(line, 1, list->past[FACTS_DAYS], &list->today, why);
}

static int read_learnt(struct facts_device *device, const struct facts_line *line, struct why *why)
{
	uint32_t said = 0, came = 0, n = device->learnt;
	if (line->count != 3 || !whole(line->words[1], strlen(line->words[1]), FACTS_FULL, &said) ||
		!whole(line->words[2], strlen(line->words[2]), FACTS_FULL, &came))
		return bad(line, 0, why, "learnt takes two numbers of 0 to 1000");
	if (n == FACTS_LEARNT)
		return bad(line, 0, why, "there are 50 of these already");
	if (n && (said / 1000. <= device->said[n - 1] || came / 1000. < device->came[n - 1]))
		return bad(line, 1, why, "what was said and what came rise from line to line");
	device->said[n] = said / 1000.;
	device->came[n] = came / 1000.;
	device->learnt++;
	return 0;
}

/* ---- hours ---- */

static bool read_clock(const char *word, uint32_t *ret_min)
{
	uint32_t hour, min;
	if (strlen(word) < 5 || word[2] != ':' || !whole(word, 2, 24, &hour) ||
		!whole(word + 3, 2, 59, &min) || hour * 60 + min > DAY_MIN)
		return false;
	*ret_min = hour * 60 + min;
	return true;
}

static const char day_names[7][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* "mon,wed,sun" */
static bool read_days(const char *word, uint32_t *ret_days)
{
	uint32_t days = 0;
	if (strcmp(word, "weekdays") == 0 || strcmp(word, "weekends") == 0) {
		*ret_days = strcmp(word, "weekdays") == 0 ? WEEKDAYS : WEEKENDS;
		return true;
	}
	for (;; word += 4) {
		uint32_t day = 0;
		while (day < 7 && strncmp(word, day_names[day], 3) != 0)
			day++;
		if (day == 7 || (word[3] && word[3] != ',') || days >> day)
			return false; /* each once, in their order */
		days |= 1U << day;
		if (!word[3])
			break;
	}
	*ret_days = days;
	return true;
}

static int read_hours(
	struct policy *policy, const struct facts_line *line, bool limit, struct why *why)
{
	struct policy_hours hours = {.days = POLICY_WEEK};
	size_t at = 1;
	if (policy->hours_count == POLICY_HOURS)
		return bad(line, 0, why, "there are 8 of these already");
	if (line->count > 1 && read_days(line->words[1], &hours.days))
		at++;
	if (line->count != at + 1 + limit || strlen(line->words[at]) != 11 ||
		line->words[at][5] != '-' || !read_clock(line->words[at], &hours.from_min) ||
		!read_clock(line->words[at] + 6, &hours.until_min) ||
		hours.from_min == hours.until_min || hours.from_min == DAY_MIN)
		return bad(line, at < line->count ? at : 0, why,
			limit ? "write it like: limit weekdays 08:00-18:00 20MB"
			      : "write it like: forbid 08:00-18:00");
	static const struct field speed = {
		"limit", FIELD_SPEED, offsetof(struct policy_hours, bytes_per_s)};
	if (limit && field_read(&speed, line->words[at + 1], &hours, why)) {
		*line->ret_bad = at + 1;
		return -EINVAL;
	}
	policy->hours[policy->hours_count++] = hours;
	return 0;
}

/* ---- rules ---- */

static int number_of(const char *word, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

static int read_value(const struct facts_line *line, size_t at, struct policy_condition *condition,
	struct why *why)
{
	uint64_t size;
	int err = 0;
	const char *word = line->words[at];
	*line->ret_bad = at;
	switch (condition->field) {
	case POLICY_SCORE:
		err = field_millionths(word, &condition->value, why);
		if (!err && condition->value > 100 * (int64_t)MILLION)
			return bad(line, at, why, "a score is 0 to 100");
		return err;
	case POLICY_KEEP:
		return units_duration(word, &condition->value, why);
	case POLICY_SIZE:
		err = units_size(word, &size, why);
		if (!err && size > INT64_MAX)
			return bad(line, at, why, "too large");
		condition->value = err ? 0 : (int64_t)size;
		return err;
	case POLICY_KIND:
		condition->value = number_of(word, kind_words);
		return condition->value < 0
			? bad(line, at, why, "a kind is incremental, differential or full")
			: 0;
	case POLICY_FIELDS:
		break;
	}
	return -EINVAL;
}

static int read_conditions(
	const struct facts_line *line, size_t at, struct policy_rule *rule, struct why *why)
{
	for (;; at += 4) {
		if (rule->count == POLICY_CONDITIONS || at + 3 > line->count)
			return bad(line, at - 1, why,
				"up to three conditions like: score >= 50 and keep > 30d");
		int field = number_of(line->words[at], condition_words);
		int is = number_of(line->words[at + 1], is_words);
		if (field < 0)
			return bad(line, at, why, "a condition is on score, keep, size or kind");
		if (is < 0)
			return bad(line, at + 1, why, "expected <, <=, >= or >");
		struct policy_condition *condition = &rule->when[rule->count++];
		*condition = (struct policy_condition){
			.field = (enum policy_field)field, .is = (enum policy_is)is};
		int err = read_value(line, at + 2, condition, why);
		if (err || at + 3 == line->count)
			return err;
		if (strcmp(line->words[at + 3], "and") != 0)
			return bad(line, at + 3, why, "expected 'and'");
	}
}

static int read_rule(struct policy *policy, const struct facts_line *line, struct why *why)
{
	struct policy_rule rule = {0};
	size_t at = 1;
	if (policy->rule_count == POLICY_RULES)
		return bad(line, 0, why, "there are 8 of these already");
	for (; at < line->count && strcmp(line->words[at], "when") != 0; at++) {
		uint32_t tier_class;
		if (!whole(line->words[at], strlen(line->words[at]), TIER_CLASSES - 1, &tier_class))
			return bad(line, at, why, "a class of tiers is 0, 1, 2 or 3");
		rule.classes |= UINT32_C(1) << tier_class;
	}
	if (!rule.classes)
		return bad(line, 0, why, "put takes classes of tiers");
	int err = at < line->count ? read_conditions(line, at + 1, &rule, why) : 0;
	if (!err)
		policy->rules[policy->rule_count++] = rule;
	return err;
}

int facts_list_line(struct facts_list *list, enum section_id id, void *base,
	const struct facts_line *line, struct why *why)
{
	const char *key = line->words[0];
	if (id == SECTION_DEVICE) {
		if (strcmp(key, "past") == 0)
			return read_past(list, line, why);
		if (strcmp(key, "today") == 0)
			return read_today(list, line, why);
		if (strcmp(key, "learnt") == 0)
			return read_learnt(base, line, why);
	} else if (id == SECTION_POLICY) {
		if (strcmp(key, "forbid") == 0 || strcmp(key, "limit") == 0)
			return read_hours(base, line, *key == 'l', why);
		if (strcmp(key, "put") == 0)
			return read_rule(base, line, why);
	}
	return 1;
}

/* ---- ends ---- */

static int check_policy(struct policy *policy, struct why *why)
{
	if (policy->rpo_ns < 10 * NS_PER_MIN)
		return why_set(why, -EINVAL, "policy %s: an RPO below ten minutes", policy->name);
	if (!policy->best_ns)
		policy->best_ns = policy->rpo_ns / 2;
	if (policy->best_ns >= policy->rpo_ns || policy->margin_ns >= policy->rpo_ns)
		return why_set(
			why, -EINVAL, "policy %s: best and margin lie below the RPO", policy->name);
	if (policy->rpo_ns > 3660 * NS_PER_DAY || policy->keep_ns > 36600 * NS_PER_DAY ||
		policy->rto_ns > 3660 * NS_PER_DAY || policy->catch_up_ns > 3660 * NS_PER_DAY)
		return why_set(why, -EINVAL, "policy %s: more than ten years, or to keep a hundred",
			policy->name);
	return 0;
}

int facts_list_end(struct facts_list *list, struct arena *arena, enum section_id id, void *base,
	struct why *why)
{
	if (id == SECTION_POLICY)
		return check_policy(base, why);
	if (id != SECTION_DEVICE)
		return 0;
	struct facts_device *device = base;
	size_t slots = (size_t)list->days * DAYS_DAY;
	device->days = list->days;
	device->today = list->said_today ? (uint32_t)list->today : UINT32_MAX;
	device->busy = arena_take(arena, slots + DAYS_DAY, sizeof(*device->busy));
	if (!device->busy)
		return -ENOMEM;
	for (size_t i = 0; i < slots + DAYS_DAY; i++) {
		uint16_t value = i < slots ? list->past[i / DAYS_DAY][i % DAYS_DAY]
			: list->said_today && i - slots < list->today
			? list->past[FACTS_DAYS][i - slots]
			: FACTS_GAP;
		device->busy[i] = value == FACTS_GAP ? NAN : (float)value / FACTS_FULL;
	}
	return 0;
}

int facts_list_today(
	const struct facts *facts, const char *name, const uint32_t *lines, struct why *why)
{
	uint32_t slots = (uint32_t)facts_slot_of_day(facts);
	for (size_t i = 0; i < facts->device_count; i++) {
		struct facts_device *device = &facts->devices[i];
		if (device->today != UINT32_MAX && device->today != slots)
			return why_set(why, -EINVAL,
				"%.200s:%" PRIu32 ":1: device %s: today has %" PRIu32
				" slots, but until now there were %" PRIu32,
				name, lines[i], device->name, device->today, slots);
		device->today = slots;
	}
	return 0;
}

/* ---- shown ---- */

static uint32_t thousandths(float busy)
{
	return isfinite(busy) ? (uint32_t)lroundf(fminf(fmaxf(busy, 0), 1) * FACTS_FULL)
			      : (uint32_t)FACTS_GAP;
}

static void show_runs(const float *busy, size_t slots, struct str *text)
{
	for (size_t i = 0, end; i < slots; i = end) {
		uint32_t value = thousandths(busy[i]);
		for (end = i + 1; end < slots && thousandths(busy[end]) == value;)
			end++;
		if (value == FACTS_GAP)
			str_add(text, " -");
		else
			str_addf(text, " %" PRIu32, value);
		if (end - i > 1)
			str_addf(text, "*%zu", end - i);
	}
	str_add(text, "\n");
}

static bool alike(const float *a, const float *b)
{
	for (int i = 0; i < DAYS_DAY; i++)
		if (thousandths(a[i]) != thousandths(b[i]))
			return false;
	return true;
}

static void show_device(
	const struct facts *facts, const struct facts_device *device, struct str *text)
{
	for (uint32_t day = 0, end; day < device->days; day = end) {
		const float *busy = device->busy + (size_t)day * DAYS_DAY;
		for (end = day + 1;
			end < device->days && alike(busy, device->busy + (size_t)end * DAYS_DAY);)
			end++;
		str_addf(text, "  past %" PRIu32, end - day);
		show_runs(busy, DAYS_DAY, text);
	}
	const float *today = device->busy + (size_t)device->days * DAYS_DAY;
	size_t slots = (size_t)facts_slot_of_day(facts), known = 0;
	for (size_t i = 0; i < slots; i++)
		known += thousandths(today[i]) != FACTS_GAP;
	if (known) {
		str_add(text, "  today");
		show_runs(today, slots, text);
	}
	for (uint32_t i = 0; i < device->learnt; i++)
		str_addf(text, "  learnt %ld %ld\n", lround(device->said[i] * 1000),
			lround(device->came[i] * 1000));
}

static void show_days(uint32_t days, struct str *text)
{
	const char *comma = "";
	if (days == WEEKDAYS || days == WEEKENDS || days == POLICY_WEEK) {
		str_add(text, days == WEEKDAYS ? "weekdays " : days == WEEKENDS ? "weekends " : "");
		return;
	}
	for (int day = 0; day < 7; day++)
		if (days >> day & 1) {
			str_addf(text, "%s%s", comma, day_names[day]);
			comma = ",";
		}
	str_add(text, " ");
}

static void show_hours(const struct policy_hours *hours, struct str *text)
{
	str_addf(text, "  %s ", hours->bytes_per_s > 0 ? "limit" : "forbid");
	show_days(hours->days, text);
	str_addf(text, "%02" PRIu32 ":%02" PRIu32 "-%02" PRIu32 ":%02" PRIu32, hours->from_min / 60,
		hours->from_min % 60, hours->until_min / 60, hours->until_min % 60);
	if (hours->bytes_per_s > 0) {
		char size[UNITS_TEXT];
		str_addf(text, " %s", units_show_size((uint64_t)hours->bytes_per_s, size));
	}
	str_add(text, "\n");
}

static void show_rule(const struct policy_rule *rule, struct str *text)
{
	char shown[UNITS_TEXT];
	str_add(text, "  put");
	for (int i = 0; i < TIER_CLASSES; i++)
		if (rule->classes >> i & 1)
			str_addf(text, " %d", i);
	for (uint32_t i = 0; i < rule->count; i++) {
		const struct policy_condition *condition = &rule->when[i];
		str_addf(text, " %s %s %s ", i ? "and" : "when", condition_words[condition->field],
			is_words[condition->is]);
		if (condition->field == POLICY_SCORE)
			field_show_millionths(condition->value, text);
		else if (condition->field == POLICY_KEEP)
			str_add(text, units_show_duration(condition->value, shown));
		else if (condition->field == POLICY_SIZE)
			str_add(text, units_show_size((uint64_t)condition->value, shown));
		else
			str_add(text, kind_words[condition->value]);
	}
	str_add(text, "\n");
}

void facts_list_show(
	const struct facts *facts, enum section_id id, const void *base, struct str *text)
{
	if (id == SECTION_DEVICE)
		show_device(facts, base, text);
	if (id != SECTION_POLICY)
		return;
	const struct policy *policy = base;
	for (uint32_t i = 0; i < policy->hours_count; i++)
		show_hours(&policy->hours[i], text);
	for (uint32_t i = 0; i < policy->rule_count; i++)
		show_rule(&policy->rules[i], text);
}
