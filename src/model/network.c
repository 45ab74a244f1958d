/* SPDX-License-Identifier: Apache-2.0 */
/* Departures from the same hour, through one LSTM. */
#include "model/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/rng.h"
#include "num/array.h"
#include "num/lstm.h"
#include "num/season.h"

enum {
	DAY = HISTORY_DAY,
	STEPS = 2 * DAY,
	INPUTS = 3,
	PROFILE_DAYS = 7,
	NEED = (PROFILE_DAYS + 3) * DAY,
	BATCH = 8,
	CASES_NEEDED = 200,
};

static const struct lstm shape = {.inputs = INPUTS, .hidden = 12, .outputs = DAY};

struct network {
	struct adam adam;
	struct rng rng;
	uint64_t cases;
	double *weights, *gradient, *scratch;
	double y[HISTORY_HOURS], some[HISTORY_HOURS];
};

/* One look at a history: logarithms of the days up to some hour, and their own scale. */
struct view {
	double x[STEPS * INPUTS], profile[DAY];
	double offset, shift, spread, top;
};

void network_free(struct network *network)
{
	if (!network)
		return;
	free(network->weights);
	free(network->gradient);
	free(network->scratch);
	free(network->adam.first);
	free(network->adam.second);
	free(network);
}

struct network *network_new(uint64_t seed)
{
	struct network *network = calloc(1, sizeof(*network));
	if (!network)
		return NULL;
	size_t count = lstm_weights(&shape);
	network->weights = calloc(count, sizeof(double));
	network->gradient = calloc(count, sizeof(double));
	network->adam.first = calloc(count, sizeof(double));
	network->adam.second = calloc(count, sizeof(double));
	network->scratch = calloc(lstm_scratch(&shape, STEPS), sizeof(double));
	if (!network->weights || !network->gradient || !network->adam.first ||
		!network->adam.second || !network->scratch) {
		network_free(network);
		return NULL;
	}
	network->adam.rate = 0.004;
	rng_seed(&network->rng, seed);
	lstm_begin(&shape, rng_u64(&network->rng), network->weights);
	return network;
}

static double clipped(double x)
{
	return isnan(x) ? 0 : fmin(fmax(x, -4), 4);
}

/* Logarithms of y[0 .. n - 1] in place, with the offset of the experts. False: nothing varies. */
static bool to_logs(double *y, size_t n, double *some, struct view *view)
{
	size_t count = num_present(y, n, some);
	if (2 * count < n)
		return false;
	double low = some[0], mean = 0, top = -HUGE_VAL;
	for (size_t i = 0; i < count; i++)
		low = fmin(low, some[i]);
	view->shift = fmin(low, 0);
	for (size_t i = 0; i < count; i++)
		mean += (some[i] - view->shift) / (double)count;
	double median = num_median(some, count) - view->shift;
	view->offset = 0.1 * (median > 0.05 * mean ? median : mean) + 1e-12;
	for (size_t i = 0; i < n; i++) {
		if (isnan(y[i]))
			continue;
		y[i] = log(y[i] - view->shift + view->offset);
		top = fmax(top, y[i]);
	}
	view->top = top + log(1.5);
	return true;
}

/* What the network sees at index `now` of the logarithms; `hour` is the hour of the day there. */
static bool look(const double *y, size_t now, size_t hour, double *some, struct view *view)
{
	season_median(y, now, DAY, PROFILE_DAYS, view->profile, DAY);
	for (size_t i = 0; i < PROFILE_DAYS * DAY; i++)
		some[i] = fabs(y[now - 1 - i] - view->profile[DAY - 1 - i % DAY]);
	size_t count = num_present(some, PROFILE_DAYS * DAY, some);
	view->spread = num_mean(some, count);
	if (!(view->spread > 1e-6))
		return false;
	for (size_t i = 0; i < STEPS; i++) {
		double off = y[now - STEPS + i] - view->profile[i % DAY];
		double angle = 2 * M_PI * (double)((hour + i) % DAY) / DAY;
		view->x[i * INPUTS] = clipped(off / view->spread);
		view->x[i * INPUTS + 1] = sin(angle);
		view->x[i * INPUTS + 2] = cos(angle);
	}
	return true;
}

static void learn_day(struct network *network, const double *y, size_t now, size_t hour)
{
	struct view view;
	double target[DAY];
	if (num_count(y + now, DAY) < DAY || !look(y, now, hour, network->some, &view))
		return;
	for (size_t h = 0; h < DAY; h++)
		target[h] = clipped((y[now + h] - view.profile[h]) / view.spread);
	struct lstm_case one = {.x = view.x, .steps = STEPS, .target = target};
	lstm_gradient(&shape, network->weights, &one, network->scratch, network->gradient);
	if (++network->cases % BATCH == 0)
		adam_move(
			&network->adam, network->weights, network->gradient, lstm_weights(&shape));
}

void network_learn(struct network *network, const struct history *history)
{
	size_t n = history_len(history), hour = (size_t)(history->next % DAY);
	struct view scale;
	if (n < NEED)
		return;
	history_copy(history, n, network->y);
	if (!to_logs(network->y, n, network->some, &scale))
		return;
	learn_day(network, network->y, n - DAY, hour);
	size_t days = (n - NEED) / DAY + 1;
	size_t back = DAY * (1 + rng_below(&network->rng, days));
	learn_day(network, network->y, n - back, hour);
}

bool network_say(struct network *network, const struct history *history, double *ret)
{
	size_t n = history_len(history), hour = (size_t)(history->next % DAY);
	struct view view = {0};
	double answer[DAY];
	if (n < NEED || network->cases < CASES_NEEDED)
		return false;
	history_copy(history, n, network->y);
	if (!to_logs(network->y, n, network->some, &view) ||
		!look(network->y, n, hour, network->some, &view))
		return false;
	struct lstm_case one = {.x = view.x, .steps = STEPS};
	lstm_answer(&shape, network->weights, &one, network->scratch, answer);
	double share = 1;
	for (size_t h = 0; h < AHEAD_HOURS; h++) {
		/* Further days: the departure fades. */
		share = h && h % DAY == 0 ? 0.5 * share : share;
		double y = view.profile[h % DAY] + share * view.spread * answer[h % DAY];
		ret[h] = exp(fmin(y, view.top)) - view.offset + view.shift;
	}
	return true;
}

void network_save(const struct network *network, double ret[NETWORK_NUMBERS])
{
	const size_t size = NETWORK_WEIGHTS * sizeof(*ret);
	must(lstm_weights(&shape) == NETWORK_WEIGHTS);
	ret[0] = (double)network->cases;
	memcpy(ret + 1, network->weights, size);
	memcpy(ret + 1 + NETWORK_WEIGHTS, network->adam.first, size);
	memcpy(ret + 1 + 2 * NETWORK_WEIGHTS, network->adam.second, size);
}

bool network_load(struct network *network, const double numbers[NETWORK_NUMBERS])
{
	const size_t size = NETWORK_WEIGHTS * sizeof(*numbers);
	const double *second = numbers + 1 + 2 * NETWORK_WEIGHTS;
	for (size_t i = 0; i < NETWORK_NUMBERS; i++)
		if (!(fabs(numbers[i]) < 1e12))
			return false;
	for (size_t i = 0; i < NETWORK_WEIGHTS; i++)
		if (second[i] < 0)
			return false;
	if (numbers[0] < 0)
		return false;
	network->cases = (uint64_t)numbers[0];
	network->adam.steps = network->cases / BATCH;
	memcpy(network->weights, numbers + 1, size);
	memcpy(network->adam.first, numbers + 1 + NETWORK_WEIGHTS, size);
	memcpy(network->adam.second, second, size);
	/* Days it has not seen are drawn from here on, the same after each start. */
	rng_seed(&network->rng, network->cases);
	return true;
}
