/* SPDX-License-Identifier: Apache-2.0 */
/* A list in the order in which things began; each of those who are told goes along it. */
#include "notify/book.h"

#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/str.h"
#include "base/units.h"
#include "base/vec.h"
#include "os/clock.h"
#include "os/procs.h"
#include "os/world.h"
#include "store/whole.h"

#define FILE_NAME "notices"

enum { TEXT = 400, ENTRIES_MAX = 500, RETRY_S = 10, RETRY_MOST_S = 600 };

/* How far somebody has been told of an entry. */
enum { TOLD_NOTHING, TOLD_BEGIN, TOLD_ALL };

/* It must have ceased for so long; the plan, and how fast a place fills, waver. */
static const int64_t linger_s[NOTICE_KINDS] = {
	[NOTICE_RPO_AT_RISK] = 600,
	[NOTICE_TIER_FULL] = 3600,
};

struct told {
	char name[CONF_NAME_MAX + 1];
	int upto;
};

struct entry {
	enum notice_kind kind;
	char resource[CONF_PATH_MAX + 1];
	int64_t since_s, until_s; /* until_s 0: it is so */
	int64_t quiet_s;          /* since when it seems to be so no longer; 0: it is so */
	bool seen;
	char text[TEXT], end[TEXT];
	struct told told[CONF_NOTIFY_MAX];
};

/* One whom to tell. */
struct way {
	struct book *book;
	struct conf_notify how;
	struct proc *proc;   /* NULL: none is under way */
	struct entry *entry; /* of which it tells; NULL: that is gone */
	int64_t retry_ns;
	int failures; /* in a row */
};

struct book {
	struct book_options options;
	VEC(struct entry *) entries;
	VEC(struct way *) ways;
	char config[CONF_PATH_MAX + 1];
	char node[CONF_NAME_MAX + 1];
	bool changed; /* and not written yet */
};

static struct label label_of(const struct book *book)
{
	struct label label = {.kind = "note", .version = 1};
	memcpy(label.identity, book->options.identity, IDENTITY_SIZE);
	return label;
}

static int64_t now_s(const struct book *book)
{
	return clock_wall_ns(book->options.world->clock) / NS_PER_SEC;
}

/* ---- who knows what ---- */

/* NULL: nobody of that name was told, and `room` is not wanted or there is none. */
static struct told *told_of(struct entry *entry, const char *name, bool room)
{
	for (size_t i = 0; i < CONF_NOTIFY_MAX; i++)
		if (strcmp(entry->told[i].name, name) == 0)
			return &entry->told[i];
	for (size_t i = 0; room && i < CONF_NOTIFY_MAX; i++)
		if (!*entry->told[i].name) {
			snprintf(entry->told[i].name, sizeof(entry->told[i].name), "%s", name);
			return &entry->told[i];
		}
	return NULL;
}

/* What he is to be told next of the entry; TOLD_NOTHING: nothing. */
static int next_for(const struct way *way, struct entry *entry)
{
	const struct told *told = told_of(entry, way->how.name, false);
	int upto = told ? told->upto : TOLD_NOTHING;
	int known = entry->until_s ? TOLD_ALL : TOLD_BEGIN;
	return conf_notify_wants(&way->how, entry->kind) && upto < known ? upto + 1 : TOLD_NOTHING;
}

static bool waits(const struct book *book, struct entry *entry)
{
	vec_each (way, &book->ways)
		if (next_for(*way, entry))
			return true;
	return false;
}

size_t book_waiting(const struct book *book)
{
	size_t count = 0;
	vec_each (entry, &book->entries)
		count += waits(book, *entry);
	return count;
}

/* ---- the file ---- */

static json_t *entry_json(const struct entry *entry)
{
	json_t *told = json_object();
	for (size_t i = 0; i < CONF_NOTIFY_MAX; i++)
		if (*entry->told[i].name)
			json_object_set_new(
				told, entry->told[i].name, json_integer(entry->told[i].upto));
	return json_pack("{s:s,s:s,s:I,s:I,s:s,s:s,s:o}", "event", notice_kinds[entry->kind],
		"resource", entry->resource, "since", (json_int_t)entry->since_s, "until",
		(json_int_t)entry->until_s, "text", entry->text, "end", entry->end, "told", told);
}

static void save(struct book *book)
{
	json_t *list = json_array();
	vec_each (entry, &book->entries)
		json_array_append_new(list, entry_json(*entry));
	OWN(own_free) char *text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	if (!text)
		return;
	const struct whole content = {.label = label_of(book), .bytes = text, .len = strlen(text)};
	/* What cannot be written is told all the same, and perhaps once more by the next life. */
	book->changed = whole_write(book->options.world->disk, FILE_NAME, &content, NULL) != 0;
}

static void copy_text(char *to, size_t cap, const json_t *from, const char *name)
{
	const char *text = json_string_value(json_object_get(from, name));
	snprintf(to, cap, "%s", text ? text : "");
}

static bool read_kind(const json_t *from, enum notice_kind *ret)
{
	const char *word = json_string_value(json_object_get(from, "event"));
	for (int i = 0; word && i < NOTICE_KINDS; i++)
		if (strcmp(word, notice_kinds[i]) == 0) {
			*ret = (enum notice_kind)i;
			return true;
		}
	return false;
}

static int add_read(struct book *book, const json_t *from)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	const char *name;
	json_t *upto;
	if (!entry || vec_push(&book->entries, entry)) {
		free(entry);
		return -ENOMEM;
	}
	if (!read_kind(from, &entry->kind)) {
		free(entry);
		book->entries.len--;
		return 0;
	}
	entry->since_s = json_integer_value(json_object_get(from, "since"));
	entry->until_s = json_integer_value(json_object_get(from, "until"));
	copy_text(entry->resource, sizeof(entry->resource), from, "resource");
	copy_text(entry->text, sizeof(entry->text), from, "text");
	copy_text(entry->end, sizeof(entry->end), from, "end");
	json_object_foreach (json_object_get(from, "told"), name, upto) {
		struct told *told = strlen(name) <= CONF_NAME_MAX ? told_of(entry, name, true)
								  : NULL;
		json_int_t number = json_integer_value(upto);
		if (told)
			told->upto = number <= TOLD_NOTHING ? TOLD_NOTHING
				: number == TOLD_BEGIN      ? TOLD_BEGIN
							    : TOLD_ALL;
	}
	return 0;
}

static int load(struct book *book)
{
	struct whole content;
	const struct label label = label_of(book);
	if (whole_read(book->options.world->disk, FILE_NAME, &label, &content, NULL))
		return 0;
	json_t *list = json_loadb(content.bytes, content.len, 0, NULL);
	whole_done(&content);
	int err = 0;
	for (size_t i = 0; !err && i < json_array_size(list) && i < ENTRIES_MAX; i++)
		err = add_read(book, json_array_get(list, i));
	json_decref(list);
	return err;
}

/* ---- telling ---- */

static int document(const struct book *book, const struct entry *entry, int step, char **ret)
{
	char since[UNITS_TEXT];
	units_show_time(entry->since_s * NS_PER_SEC, since);
	json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "type", "notice", "event",
		notice_kinds[entry->kind], "state", step == TOLD_BEGIN ? "begins" : "ends",
		"resource", entry->resource, "node", book->node, "since", since, "text",
		step == TOLD_BEGIN ? entry->text : entry->end);
	*ret = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return *ret ? 0 : -ENOMEM;
}

static void rest(struct way *way)
{
	int64_t wait_s = RETRY_S << (way->failures < 6 ? way->failures : 6);
	way->failures++;
	way->retry_ns = clock_mono_ns(way->book->options.world->clock) +
		(wait_s < RETRY_MOST_S ? wait_s : RETRY_MOST_S) * NS_PER_SEC;
}

static void go_on(struct way *way);

static void on_exit_(struct proc *proc, int status)
{
	struct way *way = proc->arg;
	struct entry *entry = way->entry;
	proc_close(TAKE(way->proc));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		rest(way);
		return;
	}
	way->failures = 0;
	struct told *told = entry ? told_of(entry, way->how.name, true) : NULL;
	if (told && !planted(NOTICE_NOT_REMEMBERED)) {
		told->upto++;
		save(way->book);
	}
	go_on(way);
}

static int tell(struct way *way, struct entry *entry, int step)
{
	const struct book_options *options = &way->book->options;
	OWN(own_free) char *text = NULL;
	if (document(way->book, entry, step, &text))
		return -ENOMEM;
	const char *const argv[] = {options->program, "notify", "send", way->how.name, text,
		"--config", way->book->config, NULL};
	const struct proc_spec spec = {
		.program = options->program, .argv = argv, .env = options->env, .apart = true};
	int err = procs_start(options->world->procs, &spec, &way->proc, NULL);
	if (err)
		return err;
	way->entry = entry;
	way->proc->arg = way;
	way->proc->on_exit = on_exit_;
	return 0;
}

/* The oldest that he does not know. */
static void go_on(struct way *way)
{
	if (way->proc || clock_mono_ns(way->book->options.world->clock) < way->retry_ns)
		return;
	vec_each (entry, &way->book->entries) {
		int step = next_for(way, *entry);
		if (!step)
			continue;
		if (tell(way, *entry, step))
			rest(way);
		return;
	}
}

/* ---- what is so ---- */

static void forget(struct book *book, size_t i)
{
	struct entry *entry = book->entries.at[i];
	vec_each (way, &book->ways)
		if ((*way)->entry == entry)
			(*way)->entry = NULL;
	free(entry);
	book->entries.len--;
	memmove(&book->entries.at[i], &book->entries.at[i + 1],
		(book->entries.len - i) * sizeof(*book->entries.at));
	book->changed = true;
}

static struct entry *find(const struct book *book, enum notice_kind kind, const char *resource)
{
	vec_each (entry, &book->entries)
		if (!(*entry)->until_s && (*entry)->kind == kind &&
			strcmp((*entry)->resource, resource) == 0)
			return *entry;
	return NULL;
}

static void begin(struct book *book, const struct notice *notice)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	if (book->entries.len >= ENTRIES_MAX)
		forget(book, 0);
	if (!entry || vec_push(&book->entries, entry)) {
		free(entry);
		return;
	}
	entry->kind = notice->kind;
	entry->since_s = now_s(book);
	entry->seen = true;
	snprintf(entry->resource, sizeof(entry->resource), "%s", notice->resource);
	snprintf(entry->text, sizeof(entry->text), "%s", notice->text);
	book->changed = true;
}

static void end(struct book *book, struct entry *entry, const char *text)
{
	entry->until_s = now_s(book);
	snprintf(entry->end, sizeof(entry->end), "%s", text);
	book->changed = true;
}

void book_say(struct book *book, const struct notice *notice)
{
	struct entry *entry = find(book, notice->kind, notice->resource);
	if (!book->ways.len)
		return;
	if (!entry) {
		if (notice->is_so)
			begin(book, notice);
		return;
	}
	entry->seen = true;
	if (notice->is_so) {
		entry->quiet_s = 0;
		return;
	}
	if (!entry->quiet_s)
		entry->quiet_s = now_s(book);
	/* A wall clock that was set back counts anew. */
	if (entry->quiet_s > now_s(book))
		entry->quiet_s = now_s(book);
	if (now_s(book) - entry->quiet_s >= linger_s[notice->kind])
		end(book, entry, notice->text);
}

void book_keep(struct book *book, enum notice_kind kind, const char *resource)
{
	struct entry *entry = find(book, kind, resource);
	if (entry)
		entry->seen = true;
}

void book_turn(struct book *book)
{
	vec_each (at, &book->entries) {
		struct entry *entry = *at;
		if (!entry->until_s && !entry->seen)
			end(book, entry, "This is not watched any more.");
		entry->seen = false;
	}
	for (size_t i = book->entries.len; i-- > 0;)
		if (book->entries.at[i]->until_s && !waits(book, book->entries.at[i]))
			forget(book, i);
	if (book->changed)
		save(book);
	vec_each (way, &book->ways)
		go_on(*way);
}

/* ---- whom to tell ---- */

static void way_free(struct way *way)
{
	if (!way)
		return;
	proc_close(way->proc);
	free(way);
}

static struct way *way_for(struct book *book, const struct conf_notify *how)
{
	vec_each (way, &book->ways)
		if (memcmp(&(*way)->how, how, sizeof(*how)) == 0)
			return *way;
	struct way *way = calloc(1, sizeof(*way));
	if (way)
		*way = (struct way){.book = book, .how = *how};
	return way;
}

static bool has(const struct way *const *list, size_t count, const struct way *way)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == way)
			return true;
	return false;
}

int book_set(
	struct book *book, const struct conf_notifies *to, const char *config, const char *node)
{
	struct way *made[CONF_NOTIFY_MAX];
	size_t count = 0, before = book->ways.len;
	for (; count < to->list.len && count < CONF_NOTIFY_MAX; count++)
		if (!(made[count] = way_for(book, &to->list.at[count])))
			break;
	bool whole = count == to->list.len && vec_reserve(&book->ways, count) == 0;
	/* What of the two lists is in the other one, too, stays. */
	struct way *const *left = whole ? made : book->ways.at;
	struct way *const *gone = whole ? book->ways.at : made;
	size_t left_count = whole ? count : before, gone_count = whole ? before : count;
	for (size_t i = 0; i < gone_count; i++)
		if (!has((const struct way *const *)left, left_count, gone[i]))
			way_free(gone[i]);
	if (!whole)
		return -ENOMEM;
	if (count)
		memcpy(book->ways.at, made, count * sizeof(*made));
	book->ways.len = count;
	snprintf(book->config, sizeof(book->config), "%s", config);
	snprintf(book->node, sizeof(book->node), "%s", node);
	while (!count && book->entries.len)
		forget(book, book->entries.len - 1);
	return 0;
}

int book_open(const struct book_options *options, struct book **ret_book)
{
	struct book *book = calloc(1, sizeof(*book));
	if (!book)
		return -ENOMEM;
	book->options = *options;
	if (load(book)) {
		book_close(book);
		return -ENOMEM;
	}
	*ret_book = book;
	return 0;
}

void book_close(struct book *book)
{
	if (!book)
		return;
	vec_each (way, &book->ways)
		way_free(*way);
	vec_done(&book->ways);
	vec_each (entry, &book->entries)
		free(*entry);
	vec_done(&book->entries);
	free(book);
}
