/* SPDX-License-Identifier: Apache-2.0 */
/* Scaled forward and backward passes, Baum and Welch, Viterbi. */
#include "num/hmm.h"

#include <math.h>
#include <string.h>

#include "base/must.h"
#include "num/array.h"

/* A state that explains one value exactly would have infinite likelihood: it keeps this share of
 * the whole spread. */
static const double narrowest = 1e-3;

static double floor_deviation(const double *y, size_t n)
{
	double mean = num_mean(y, n), square = 0, count = 0;
	for (size_t i = 0; i < n; i++) {
		if (isnan(y[i]))
			continue;
		square += (y[i] - mean) * (y[i] - mean);
		count += 1;
	}
	double spread = count > 0 ? sqrt(square / count) : 0;
	return spread > 0 ? narrowest * spread : 1e-9;
}

void hmm_begin(struct hmm *hmm, size_t states, const double *y, size_t n, double *scratch)
{
	must(states >= 1 && states <= HMM_STATES);
	memset(hmm, 0, sizeof(*hmm));
	hmm->states = states;
	size_t count = num_present(y, n, scratch);
	num_sort(scratch, count);
	double low = num_quantile(scratch, count, 0.05), high = num_quantile(scratch, count, 0.95);
	double width = count ? (high - low) / (double)states : 1;
	for (size_t i = 0; i < states; i++) {
		double share = ((double)i + 0.5) / (double)states;
		/* Half by rank, half by value: rare loud phases get a state too. */
		hmm->mean[i] = count
			? 0.5 * (num_quantile(scratch, count, share) + low + share * (high - low))
			: 0;
		hmm->deviation[i] = fmax(0.5 * width, 10 * floor_deviation(y, n));
		hmm->start[i] = 1 / (double)states;
		for (size_t j = 0; j < states; j++)
			hmm->move[i][j] = states == 1 ? 1
				: i == j              ? 0.875
						      : 0.125 / (double)(states - 1);
	}
}

/* Densities of one value under each state; all 1 for a gap. Never all zero. */
static void emit(const struct hmm *hmm, double y, double *ret)
{
	double best = HUGE_VAL, half[HMM_STATES];
	for (size_t i = 0; i < hmm->states; i++)
		ret[i] = 1;
	if (isnan(y))
		return;
	for (size_t i = 0; i < hmm->states; i++) {
		double z = (y - hmm->mean[i]) / hmm->deviation[i];
		half[i] = 0.5 * z * z;
		best = fmin(best, half[i]);
	}
	for (size_t i = 0; i < hmm->states; i++)
		ret[i] = exp(-half[i]) / hmm->deviation[i];
	/* Further than 37 deviations from everybody: the nearest took it. */
	for (size_t i = 0; best > 700 && i < hmm->states; i++)
		ret[i] = half[i] <= best ? 1e-300 : 0;
}

/* Folds one value into the state probabilities; returns the value's likelihood, negative where the
 * chain could not be and the value alone decided. */
static double absorb(const struct hmm *hmm, double y, double *states)
{
	double density[HMM_STATES], sum = 0;
	emit(hmm, y, density);
	for (size_t i = 0; i < hmm->states; i++) {
		states[i] *= density[i];
		sum += states[i];
	}
	bool apart = !(sum > 0);
	if (apart) {
		for (size_t i = 0; i < hmm->states; i++) {
			states[i] = density[i];
			sum += states[i];
		}
	}
	for (size_t i = 0; i < hmm->states; i++)
		states[i] /= sum;
	return apart ? -sum : sum;
}

void hmm_step(const struct hmm *hmm, double *states)
{
	double next[HMM_STATES] = {0};
	for (size_t i = 0; i < hmm->states; i++)
		for (size_t j = 0; j < hmm->states; j++)
			next[j] += states[i] * hmm->move[i][j];
	memcpy(states, next, hmm->states * sizeof(*states));
}

double hmm_now(const struct hmm *hmm, const double *y, size_t n, double *ret_states)
{
	double likelihood = 0;
	memcpy(ret_states, hmm->start, hmm->states * sizeof(*ret_states));
	for (size_t t = 0; t < n; t++) {
		if (t)
			hmm_step(hmm, ret_states);
		double scale = absorb(hmm, y[t], ret_states);
		likelihood += isnan(y[t]) ? 0 : log(fabs(scale)) - 0.5 * log(2 * M_PI);
	}
	return likelihood;
}

size_t hmm_scratch(const struct hmm *hmm, size_t n)
{
	return 2 * n * hmm->states + n;
}

static double forward(
	const struct hmm *hmm, const double *y, size_t n, double *alpha, double *scale)
{
	double likelihood = 0;
	size_t k = hmm->states;
	for (size_t t = 0; t < n; t++) {
		double *now = alpha + t * k;
		memcpy(now, t ? now - k : hmm->start, k * sizeof(*now));
		if (t)
			hmm_step(hmm, now);
		scale[t] = absorb(hmm, y[t], now);
		likelihood += isnan(y[t]) ? 0 : log(fabs(scale[t])) - 0.5 * log(2 * M_PI);
	}
	return likelihood;
}

struct expected {
	double visits[HMM_STATES], seen[HMM_STATES], sum[HMM_STATES], square[HMM_STATES];
	double moves[HMM_STATES][HMM_STATES];
	double first[HMM_STATES];
};

static void count_state(const struct hmm *hmm, struct expected *e, const double *gamma, double y)
{
	for (size_t i = 0; i < hmm->states; i++) {
		e->visits[i] += gamma[i];
		if (isnan(y))
			continue;
		double off = y - hmm->mean[i];
		e->seen[i] += gamma[i];
		e->sum[i] += gamma[i] * off;
		e->square[i] += gamma[i] * off * off;
	}
}

/* From the back: expected visits and moves under the model as it is. */
static void backward(const struct hmm *hmm, const double *y, size_t n, const double *alpha,
	const double *scale, struct expected *e)
{
	size_t k = hmm->states;
	double beta[HMM_STATES], gamma[HMM_STATES];
	for (size_t i = 0; i < k; i++)
		beta[i] = 1;
	for (size_t t = n; t-- > 0;) {
		const double *now = alpha + t * k;
		double sum = 0, density[HMM_STATES], before[HMM_STATES];
		for (size_t i = 0; i < k; i++)
			sum += gamma[i] = now[i] * beta[i];
		for (size_t i = 0; i < k; i++)
			gamma[i] /= sum;
		count_state(hmm, e, gamma, y[t]);
		if (t == 0)
			break;
		emit(hmm, y[t], density);
		for (size_t i = 0; i < k; i++)
			before[i] = scale[t] < 0 ? 1 : 0;
		for (size_t i = 0; scale[t] > 0 && i < k; i++)
			for (size_t j = 0; j < k; j++) {
				double onward = hmm->move[i][j] * density[j] * beta[j] / scale[t];
				before[i] += onward;
				e->moves[i][j] += (now - k)[i] * onward / sum;
			}
		memcpy(beta, before, sizeof(beta));
	}
	memcpy(e->first, gamma, sizeof(gamma));
}

double hmm_learn(struct hmm *hmm, const double *y, size_t n, double *scratch)
{
	if (!num_count(y, n))
		return 0;
	size_t k = hmm->states;
	double *alpha = scratch, *scale = scratch + 2 * n * k, narrow = floor_deviation(y, n);
	double likelihood = forward(hmm, y, n, alpha, scale);
	struct expected e = {0};
	backward(hmm, y, n, alpha, scale, &e);
	for (size_t i = 0; i < k; i++) {
		double leaves = 0;
		hmm->start[i] = e.first[i];
		for (size_t j = 0; j < k; j++)
			leaves += e.moves[i][j];
		for (size_t j = 0; leaves > 1e-12 && j < k; j++)
			hmm->move[i][j] = e.moves[i][j] / leaves;
		if (!(e.seen[i] > 1e-9))
			continue;
		double shift = e.sum[i] / e.seen[i];
		double variance = e.square[i] / e.seen[i] - shift * shift;
		hmm->mean[i] += shift;
		hmm->deviation[i] = fmax(sqrt(fmax(variance, 0)), narrow);
	}
	return likelihood;
}

void hmm_decode(const struct hmm *hmm, const double *y, size_t n, double *scratch, uint8_t *ret)
{
	size_t k = hmm->states;
	double *from = scratch, best[HMM_STATES], next[HMM_STATES], density[HMM_STATES];
	for (size_t t = 0; t < n; t++) {
		emit(hmm, y[t], density);
		for (size_t j = 0; j < k; j++) {
			double top = t ? -HUGE_VAL : log(fmax(hmm->start[j], 1e-300));
			size_t via = 0;
			for (size_t i = 0; t && i < k; i++) {
				double value = best[i] + log(fmax(hmm->move[i][j], 1e-300));
				if (value > top) {
					top = value;
					via = i;
				}
			}
			next[j] = top + log(fmax(density[j], 1e-300));
			from[t * k + j] = (double)via;
		}
		memcpy(best, next, sizeof(best));
	}
	size_t state = 0;
	for (size_t j = 1; n && j < k; j++)
		if (best[j] > best[state])
			state = j;
	for (size_t t = n; t-- > 0;) {
		ret[t] = (uint8_t)state;
		state = (size_t)from[t * k + state];
	}
}
