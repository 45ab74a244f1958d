/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over days, a table, a picture. */
#include "replay/report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/must.h"
#include "base/own.h"
#include "base/str.h"
#include "replay/replay.h"

static void sum_up(const struct replay_day *days, size_t count, struct replay_row *row)
{
	double requests = 0;
	for (size_t i = 0; i < count; i++) {
		row->harm += days[i].harm;
		row->over += days[i].over;
		row->late += days[i].late;
		requests += days[i].requests;
	}
	row->jobs = (double)count;
	row->harm /= row->jobs;
	row->late /= row->jobs;
	row->over = requests > 0 ? row->over / requests : 0;
}

static size_t add_gated(const struct replay_day *const *all, size_t count,
	struct replay_day *scratch, struct replay_row *rows)
{
	static const char *const names[] = {"ebb, gated", "another's past, gated"};
	const size_t ours[] = {replay_ours, replay_wrong};
	for (int i = 0; i < 2; i++) {
		replay_gated(all[ours[i]], all[replay_feedback], count, scratch);
		rows[i] = (struct replay_row){.name = names[i]};
		sum_up(scratch, count, &rows[i]);
	}
	return 2;
}

size_t replay_report(const struct replay_world *world, struct replay_row ret_rows[REPLAY_ROWS])
{
	size_t room = replay_days_max(world), count = 0, rows = replay_way_count;
	OWN(own_free) struct replay_day *days = calloc((rows + 1) * room, sizeof(*days));
	const struct replay_day *all[REPLAY_ROWS];
	must(rows + 2 <= REPLAY_ROWS);
	if (!days)
		return 0;
	for (size_t i = 0; i < rows; i++) {
		all[i] = days + i * room;
		count = replay_run(world, &replay_ways[i], days + i * room);
		if (!count)
			return 0;
		ret_rows[i] = (struct replay_row){.name = replay_ways[i].name};
		sum_up(all[i], count, &ret_rows[i]);
	}
	rows += add_gated(all, count, days + rows * room, ret_rows + rows);
	double worst = ret_rows[0].harm, best = ret_rows[replay_best].harm;
	for (size_t i = 0; i < rows; i++) {
		ret_rows[i].avoided = worst > best ? (worst - ret_rows[i].harm) / (worst - best)
						   : (double)NAN;
		ret_rows[i].of_best = best > 0 ? ret_rows[i].harm / best : (double)NAN;
	}
	return rows;
}

void replay_table(const struct replay_row *rows, size_t count, struct str *text)
{
	str_addf(text, "%-26s %9s %9s %9s %8s %8s\n", "", "harm/job", "avoided", "of best",
		"over %", "late %");
	for (size_t i = 0; i < count; i++)
		str_addf(text, "%-26s %9.2f %8.2f%% %9.2f %8.3f %8.2f\n", rows[i].name,
			rows[i].harm, 100 * rows[i].avoided, rows[i].of_best, 100 * rows[i].over,
			100 * rows[i].late);
}

/* ---- a week ---- */

enum { WIDE = 1008, HIGH = 120, LEFT = 130, STRIP = 28, WEEK = 7 * DAYS_DAY, EACH = 2 };

/* A row of bars, two slots wide each, on the line `base`; as one path. */
static void add_bars(struct str *text, const float *share, int64_t from, double base, double high,
	const char *color)
{
	str_addf(text, "<path fill=\"%s\" d=\"", color);
	for (int i = 0; i < WEEK / EACH; i++) {
		double sum = 0;
		for (int k = 0; k < EACH; k++) {
			float of = share[from + i * EACH + k];
			sum += isnan(of) ? 0 : (double)of / EACH;
		}
		if (sum > 0.002)
			str_addf(text, "M%d %.1fv%.1fh1v%.1fz", LEFT + i, base, -sum * high,
				sum * high);
	}
	str_add(text, "\"/>\n");
}

static void add_label(struct str *text, double y, const char *label)
{
	str_addf(text, "<text x=\"4\" y=\"%.0f\">%s</text>\n", y, label);
}

int replay_picture(struct replay_world *world, struct str *text)
{
	const size_t shown[] = {0, replay_feedback, replay_ours, replay_best};
	static const char *const colors[] = {"#c0392b", "#d68910", "#1f77b4", "#7d8a97"};
	size_t slots = (size_t)world->site->slots;
	int64_t from = (world->site->slots / DAYS_DAY - 7) * DAYS_DAY;
	OWN(own_free) struct replay_day *days = calloc(replay_days_max(world), sizeof(*days));
	OWN(own_free) float *taken = calloc(slots, sizeof(*taken));
	if (!days || !taken)
		return -ENOMEM;
	if (from < 0)
		return -EINVAL;
	world->taken = taken;
	str_addf(text,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		LEFT + WIDE + 10, HIGH + 20 + 4 * (STRIP + 12));
	add_label(text, 20, "users");
	add_bars(text, world->site->host[0].busy, from, HIGH, HIGH - 10, "#aab7c4");
	for (int i = 0; i < 4; i++) {
		double base = HIGH + (i + 1) * (STRIP + 12);
		for (size_t slot = 0; slot < slots; slot++)
			taken[slot] = 0;
		replay_run(world, &replay_ways[shown[i]], days);
		add_label(text, base - 6, replay_ways[shown[i]].name);
		add_bars(text, taken, from, base, STRIP, colors[i]);
	}
	for (int day = 0; day <= 7; day++)
		str_addf(text, "<path stroke=\"#ddd\" d=\"M%d 6V%d\"/>\n",
			LEFT + day * DAYS_DAY / EACH, HIGH + 4 * (STRIP + 12));
	world->taken = NULL;
	str_add(text, "</svg>\n");
	return str_error(text);
}
