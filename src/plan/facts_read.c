/* SPDX-License-Identifier: Apache-2.0 */
/* From text to facts. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/utf8.h"
#include "base/why.h"
#include "plan/by_name.h"
#include "plan/days.h"
#include "plan/facts.h"
#include "plan/facts_list.h"
#include "plan/section.h"

enum { WORDS = 320, WORD = FACTS_WORD, LINE = 8192 };

/* In place of a word's number: the line as a whole. */
enum { WHOLE = WORDS };

struct words {
	char at[WORDS][WORD];
	uint32_t column[WORDS];
	size_t count;
};

struct reader {
	struct arena *arena;
	const char *name;
	uint32_t line;
	struct facts *facts;
	enum section_id in;
	bool inside; /* of a section at all */
	void *base;
	uint32_t given;            /* keys of this section, by bits */
	uint32_t began;            /* the line of it */
	uint32_t globals;          /* likewise, of the top */
	uint32_t *lines[SECTIONS]; /* where each began */
	size_t room[SECTIONS];
	struct facts_list list;
	struct words words;
	struct why *why;
};

static int wrong(struct reader *reader, size_t word)
{
	bool known = word < WHOLE && word < reader->words.count;
	return why_prefix(reader->why, -EINVAL, "%.200s:%" PRIu32 ":%" PRIu32, reader->name,
		reader->line, known ? reader->words.column[word] : 1);
}

static int refuse(struct reader *reader, size_t word, const char *text)
{
	why_set(reader->why, -EINVAL, "%s", text);
	return wrong(reader, word);
}

/* ---- lines to words ---- */

static int split(struct reader *reader, const char *line, size_t len)
{
	struct words *words = &reader->words;
	words->count = 0;
	if (len > LINE)
		return refuse(reader, WHOLE, "a line longer than 8192 bytes");
	for (size_t at = 0; at < len;) {
		if (line[at] == ' ') {
			at++;
			continue;
		}
		size_t from = at;
		for (; at < len && line[at] != ' '; at++)
			if (line[at] <= ' ' || line[at] > '~') {
				words->count = 1;
				words->column[0] = (uint32_t)at + 1;
				return refuse(reader, 0, "a byte that is no printed ASCII");
			}
		words->column[words->count == WORDS ? 0 : words->count] = (uint32_t)from + 1;
		if (words->count == WORDS || at - from >= WORD) {
			words->count += words->count < WORDS;
			return refuse(reader, words->count - 1,
				"a word longer than 79 bytes, or more than 320 words");
		}
		memcpy(words->at[words->count], line + from, at - from);
		words->at[words->count++][at - from] = 0;
	}
	return 0;
}

/* ---- sections ---- */

static size_t section_size(const struct reader *reader)
{
	return sections[reader->in].size;
}

static int end_section(struct reader *reader)
{
	if (!reader->inside)
		return 0;
	const struct section *section = &sections[reader->in];
	uint32_t at = reader->line;
	reader->line = reader->began;
	for (size_t i = 0; i < section->count; i++)
		if (section->fields[i].wanted && !(reader->given >> i & 1)) {
			why_set(reader->why, -EINVAL, "%s %s says no %s", section->word,
				(const char *)reader->base, section->fields[i].key);
			return wrong(reader, WHOLE);
		}
	int err = facts_list_end(
		&reader->list, reader->arena, reader->in, reader->base, reader->why);
	if (err)
		return err == -EINVAL ? wrong(reader, WHOLE) : err;
	reader->line = at;
	return 0;
}

static int begin_section(struct reader *reader, enum section_id id)
{
	size_t *count;
	void **array = section_array(reader->facts, id, &count);
	int err = end_section(reader);
	if (err)
		return err;
	if (reader->words.count != 2)
		return refuse(reader, 0, "a section is a word and a name");
	reader->in = id;
	reader->inside = true;
	reader->began = reader->line;
	reader->given = 0;
	reader->base = (char *)*array + *count * section_size(reader);
	reader->lines[id][(*count)++] = reader->line;
	section_default(id, reader->base);
	facts_list_begin(&reader->list);
	err = field_name(reader->words.at[1], reader->base, reader->why);
	return err ? wrong(reader, 1) : 0;
}

static int key_of_section(struct reader *reader)
{
	const struct section *section = &sections[reader->in];
	struct words *words = &reader->words;
	size_t bad = 0;
	int err = facts_list_line(&reader->list, reader->in, reader->base,
		&(struct facts_line){words->at, words->count, &bad}, reader->why);
	if (err <= 0)
		return err ? wrong(reader, bad) : 0;
	for (size_t i = 0; i < section->count; i++) {
		const struct field *field = &section->fields[i];
		if (strcmp(field->key, words->at[0]) != 0)
			continue;
		if (reader->given >> i & 1)
			return refuse(reader, 0, "this was said already");
		reader->given |= UINT32_C(1) << i;
		if (words->count != (field->type == FIELD_FLAG ? 1 : 2))
			return refuse(reader, 0,
				field->type == FIELD_FLAG ? "this stands alone"
							  : "this takes one word");
		err = field_read(field, words->at[1], reader->base, reader->why);
		return err ? wrong(reader, 1) : 0;
	}
	why_set(reader->why, -EINVAL, "a %s has no '%.40s'", section->word, words->at[0]);
	return wrong(reader, 0);
}

static int read_zone(struct reader *reader, const char *word)
{
	bool minus = *word == '-';
	int err = units_duration(word + minus, &reader->facts->zone_ns, reader->why);
	if (err)
		return wrong(reader, 1);
	if (reader->facts->zone_ns > NS_PER_DAY || reader->facts->zone_ns % NS_PER_MIN)
		return refuse(reader, 1, "a zone is whole minutes, a day at most");
	if (minus)
		reader->facts->zone_ns = -reader->facts->zone_ns;
	return 0;
}

static int key_of_top(struct reader *reader)
{
	static const struct field now = {"now", FIELD_TIME, offsetof(struct facts, now_ns)};
	const struct words *words = &reader->words;
	for (int id = 0; id < SECTIONS; id++)
		if (strcmp(sections[id].word, words->at[0]) == 0)
			return begin_section(reader, (enum section_id)id);
	bool is_now = strcmp(words->at[0], "now") == 0;
	if (!is_now && strcmp(words->at[0], "zone") != 0)
		return refuse(reader, 0,
			"expected now, zone, device, tier, policy, resource or job; keys of these "
			"are indented");
	if (words->count != 2 || reader->globals >> is_now & 1 || reader->inside)
		return refuse(reader, 0, "this stands once, with one word, above all sections");
	reader->globals |= UINT32_C(1) << is_now;
	if (!is_now)
		return read_zone(reader, words->at[1]);
	int err = field_read(&now, words->at[1], reader->facts, reader->why);
	return err ? wrong(reader, 1) : 0;
}

/* ---- the whole ---- */

/* How many sections of each sort there are at most, so that their arrays are taken once. */
static int make_room(struct reader *reader, const char *text, size_t len)
{
	for (const char *at = text, *end = text + len; at < end;) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		for (int id = 0; id < SECTIONS; id++) {
			size_t word = strlen(sections[id].word);
			if ((size_t)(end - at) > word && !memcmp(at, sections[id].word, word) &&
				at[word] == ' ')
				reader->room[id]++;
		}
		at = line_end ? line_end + 1 : end;
	}
	for (int id = 0; id < SECTIONS; id++) {
		size_t *count;
		void **array = section_array(reader->facts, (enum section_id)id, &count);
		if (reader->room[id] > sections[id].most)
			return why_set(reader->why, -EINVAL, "%.200s: more than %zu of '%s'",
				reader->name, sections[id].most, sections[id].word);
		*array = arena_take(reader->arena, reader->room[id], sections[id].size);
		reader->lines[id] = arena_take(
			reader->arena, reader->room[id], sizeof(*reader->lines[id]));
	}
	return arena_error(reader->arena);
}

static int read_line(struct reader *reader, const char *line, size_t len)
{
	int err = split(reader, line, len);
	if (err || !reader->words.count || reader->words.at[0][0] == '#')
		return err;
	bool indented = reader->words.column[0] > 1;
	if (indented && !reader->inside)
		return refuse(reader, 0, "an indented line before any section");
	return indented ? key_of_section(reader) : key_of_top(reader);
}

static int read_lines(struct reader *reader, const char *text, size_t len)
{
	static const char head[] = "ebb facts 1";
	for (const char *at = text, *end = text + len; at < end;) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t line = (size_t)((line_end ? line_end : end) - at);
		if (!reader->line++) {
			if (line != sizeof(head) - 1 || memcmp(at, head, line) != 0)
				break;
		} else {
			int err = read_line(reader, at, line);
			if (err)
				return err;
		}
		at = line_end ? line_end + 1 : end;
		if (at == end)
			return end_section(reader);
	}
	reader->line = 1;
	return refuse(reader, WHOLE, "the first line is not 'ebb facts 1'");
}

/* ---- what one says of another ---- */

static int check_name(struct reader *reader, const struct by_name *there, enum section_id id,
	size_t number, const char *name)
{
	const char *sorts[] = {"device", "tier", "policy", "resource"};
	size_t *count;
	const char *array = *section_array(reader->facts, id, &count);
	if (!*name || by_name_find(&there[0], name) != BY_NAME_NONE)
		return 0;
	const char *sort = sorts[there[0].size == sizeof(struct facts_device) ? SECTION_DEVICE
			: there[0].size == sizeof(struct tier)                ? SECTION_TIER
									      : SECTION_RESOURCE];
	reader->line = reader->lines[id][number];
	why_set(reader->why, -EINVAL, "%s %s: there is no %s %s", sections[id].word,
		array + number * sections[id].size, sort, name);
	return wrong(reader, WHOLE);
}

static int check_references(struct reader *reader, const struct by_name *all)
{
	struct facts *facts = reader->facts;
	int err = 0;
	for (size_t i = 0; i < facts->tier_count && !err; i++)
		err = check_name(
			reader, &all[SECTION_DEVICE], SECTION_TIER, i, facts->tiers[i].busy);
	for (size_t i = 0; i < facts->resource_count && !err; i++)
		err = check_name(reader, &all[SECTION_DEVICE], SECTION_RESOURCE, i,
			facts->resources[i].device);
	for (size_t i = 0; i < facts->job_count && !err; i++) {
		err = check_name(
			reader, &all[SECTION_RESOURCE], SECTION_JOB, i, facts->jobs[i].resource);
		if (!err)
			err = check_name(
				reader, &all[SECTION_TIER], SECTION_JOB, i, facts->jobs[i].tier);
	}
	return err;
}

static int check_names(struct reader *reader)
{
	struct by_name all[SECTIONS];
	for (int id = 0; id < SECTIONS; id++) {
		size_t *count;
		void **array = section_array(reader->facts, (enum section_id)id, &count);
		int err = by_name_make(reader->arena, *array, sections[id].size, *count, &all[id]);
		if (err)
			return err;
		int32_t twice = by_name_twice(&all[id]);
		if (twice == BY_NAME_NONE)
			continue;
		reader->line = reader->lines[id][twice];
		why_set(reader->why, -EINVAL, "there is a %s %s already", sections[id].word,
			(const char *)*array + (size_t)twice * sections[id].size);
		return wrong(reader, WHOLE);
	}
	return check_references(reader, all);
}

int facts_read(struct arena *arena, const char *name, const char *text, size_t len,
	struct facts *ret_facts, struct why *why)
{
	struct facts facts = {0};
	struct why unheard;
	OWN(own_free) struct reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return why_set(why, -ENOMEM, "no memory");
	*reader = (struct reader){
		.arena = arena, .name = name, .facts = &facts, .why = why ? why : &unheard};
	if (len > FACTS_TEXT)
		return why_set(why, -EINVAL, "%.200s: larger than 256 MiB", name);
	int err = make_room(reader, text, len);
	if (!err)
		err = read_lines(reader, text, len);
	if (!err && !(reader->globals & 2)) {
		reader->line = 1;
		err = refuse(reader, WHOLE, "says no 'now'");
	}
	if (!err)
		err = facts_list_today(&facts, name, reader->lines[SECTION_DEVICE], why);
	if (!err)
		err = check_names(reader);
	if (err == -ENOMEM)
		return why_set(why, -ENOMEM, "no memory");
	if (!err)
		*ret_facts = facts;
	return err;
}
