/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which the states of a crash point are tried. */
#include "sim/explore_choose.h"

#include <errno.h>

#include "base/hash.h"
#include "base/must.h"

/* Kinds of corner for each thing, after the three that stand for the point as a whole. */
enum corner { DROP_ONE, KEEP_ONE, KEEP_UP_TO, KEEP_AFTER, KEEP_ONE_SECTOR, CORNERS };
enum { ALL_LATEST, ALL_DURABLE, ALL_BUT_SECTORS, WHOLE_CORNERS };

/* With more things than this the corners of only so many, evenly spread, are tried. */
enum { CORNER_THINGS = 128 };

uint64_t choose_durable(void *arg, enum sim_thing thing, uint64_t options)
{
	(void)arg, (void)thing, (void)options;
	return 0;
}

uint64_t choose_latest(void *arg, enum sim_thing thing, uint64_t options)
{
	(void)arg, (void)thing;
	return options - 1;
}

void choices_start(struct choices *choices, bool exhaustive, uint64_t samples, uint64_t seed)
{
	choices->label = (struct state_label){0};
	choices->exhaustive = exhaustive;
	choices->samples = samples;
	choices->seed = seed;
	choices->answers.len = choices->asked = choices->things = 0;
	choices->again = choices->failed = false;
	choices->met_used = 0;
	choices->stamp++;
}

void choices_done(struct choices *choices)
{
	vec_done(&choices->answers);
	free(choices->met);
	*choices = (struct choices){0};
}

/* The last answer that can go up does, those behind it are asked afresh. */
static bool next_in_full(struct choices *choices)
{
	while (choices->answers.len) {
		struct choice *last = &choices->answers.at[choices->answers.len - 1];
		if (++last->answer < last->options)
			return true;
		choices->answers.len--;
	}
	return false;
}

static size_t corner_things(const struct choices *choices)
{
	return choices->things < CORNER_THINGS ? choices->things : CORNER_THINGS;
}

static void start_sample(struct choices *choices)
{
	static const uint32_t chances[] = {0, 125000, 500000, 875000, 1000000};
	rng_seed(&choices->rng, hash_fold(choices->seed, choices->label.index));
	for (int i = 0; i < 3; i++)
		choices->latest_per_million[i] =
			chances[rng_below(&choices->rng, sizeof(chances) / sizeof(*chances))];
}

static bool next_sampled(struct choices *choices)
{
	struct state_label *label = &choices->label;
	if (!label->kind) {
		*label = (struct state_label){'c', 0};
	} else if (label->kind == 'c') {
		if (label->index == 0)
			choices->things = choices->answers.len;
		if (++label->index >= WHOLE_CORNERS + corner_things(choices) * CORNERS)
			*label = (struct state_label){'s', 0};
	} else {
		label->index++;
	}
	choices->answers.len = 0;
	if (label->kind == 's')
		start_sample(choices);
	return label->kind == 'c' || label->index < choices->samples;
}

bool choices_next(struct choices *choices)
{
	choices->asked = 0;
	choices->again = false;
	if (!choices->exhaustive)
		return next_sampled(choices);
	if (!choices->label.kind) {
		choices->label = (struct state_label){'x', 0};
		return true;
	}
	choices->label.index++;
	return next_in_full(choices);
}

void choices_again(struct choices *choices)
{
	choices->asked = 0;
	choices->again = true;
}

static bool corner_latest(const struct choices *choices, enum sim_thing thing)
{
	uint64_t index = choices->label.index;
	if (index == ALL_LATEST || index == ALL_DURABLE)
		return index == ALL_LATEST;
	if (index == ALL_BUT_SECTORS)
		return thing != SIM_THING_SECTOR;
	index -= WHOLE_CORNERS;
	size_t of = corner_things(choices), at = choices->asked;
	size_t one = (size_t)(index / CORNERS) * choices->things / of;
	switch ((enum corner)(index % CORNERS)) {
	case DROP_ONE:
		return at != one;
	case KEEP_ONE:
		return at == one;
	case KEEP_UP_TO:
		return at <= one;
	case KEEP_AFTER:
		return at > one;
	case KEEP_ONE_SECTOR:
		return at == one || thing != SIM_THING_SECTOR;
	case CORNERS:
		break;
	}
	return false;
}

static uint64_t answer_afresh(struct choices *choices, enum sim_thing thing, uint64_t options)
{
	if (choices->label.kind == 'x')
		return 0;
	if (choices->label.kind == 'c')
		return corner_latest(choices, thing) ? options - 1 : 0;
	if (rng_chance(&choices->rng, choices->latest_per_million[thing]))
		return options - 1;
	return options == 2 ? 0 : rng_below(&choices->rng, options - 1);
}

uint64_t choices_answer(void *arg, enum sim_thing thing, uint64_t options)
{
	struct choices *choices = arg;
	if (choices->asked < choices->answers.len) {
		const struct choice *choice = &choices->answers.at[choices->asked++];
		must(choice->options == options);
		return choice->answer;
	}
	must(!choices->again || choices->failed);
	struct choice choice = {answer_afresh(choices, thing, options), options, thing};
	choices->asked++;
	if (vec_push(&choices->answers, choice))
		choices->failed = true;
	return choice.answer;
}

static struct met *find_met(struct met *table, size_t slots, uint64_t image, uint64_t stamp)
{
	size_t at = (size_t)image & (slots - 1);
	while (table[at].stamp == stamp && table[at].image != image)
		at = (at + 1) & (slots - 1);
	return &table[at];
}

static int grow_met(struct choices *choices)
{
	size_t slots = choices->met_slots ? choices->met_slots * 2 : 256;
	struct met *table = calloc(slots, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < choices->met_slots; i++) {
		const struct met *met = &choices->met[i];
		if (met->stamp == choices->stamp)
			*find_met(table, slots, met->image, met->stamp) = *met;
	}
	free(choices->met);
	choices->met = table;
	choices->met_slots = slots;
	return 0;
}

int choices_new(struct choices *choices, uint64_t image)
{
	if (choices->met_used * 2 >= choices->met_slots) {
		int err = grow_met(choices);
		if (err)
			return err;
	}
	struct met *met = find_met(choices->met, choices->met_slots, image, choices->stamp);
	if (met->stamp == choices->stamp)
		return 0;
	*met = (struct met){image, choices->stamp};
	choices->met_used++;
	return 1;
}
