/* SPDX-License-Identifier: Apache-2.0 */
/* Nelder and Mead's downhill simplex. */
#include "num/simplex.h"

#include <math.h>
#include <string.h>

#include "base/must.h"

struct vertex {
	double x[SIMPLEX_DIMS];
	double value;
};

struct search {
	simplex_fn *fn;
	void *arg;
	size_t dims;
	int left;
	struct vertex at[SIMPLEX_DIMS + 1]; /* best first */
};

static void evaluate(struct search *s, struct vertex *vertex)
{
	double value = s->fn(vertex->x, s->arg);
	vertex->value = isnan(value) ? HUGE_VAL : value;
	s->left--;
}

static void insert(struct search *s, size_t count, const struct vertex *vertex)
{
	struct vertex kept = *vertex;
	size_t i = count;
	for (; i > 0 && s->at[i - 1].value > kept.value; i--)
		s->at[i] = s->at[i - 1];
	s->at[i] = kept;
}

/* The point at `factor` times the way from the worst vertex through the middle of the others. */
static struct vertex along(struct search *s, double factor)
{
	const struct vertex *worst = &s->at[s->dims];
	struct vertex made = {0};
	for (size_t d = 0; d < s->dims; d++) {
		double middle = 0;
		for (size_t i = 0; i < s->dims; i++)
			middle += s->at[i].x[d];
		middle /= (double)s->dims;
		made.x[d] = middle + factor * (middle - worst->x[d]);
	}
	evaluate(s, &made);
	return made;
}

static void shrink(struct search *s)
{
	struct vertex moved[SIMPLEX_DIMS];
	for (size_t i = 1; i <= s->dims; i++) {
		moved[i - 1] = s->at[i];
		for (size_t d = 0; d < s->dims; d++)
			moved[i - 1].x[d] = 0.5 * (s->at[0].x[d] + s->at[i].x[d]);
		evaluate(s, &moved[i - 1]);
	}
	for (size_t i = 1; i <= s->dims; i++)
		insert(s, i, &moved[i - 1]);
}

static void step(struct search *s)
{
	size_t n = s->dims;
	struct vertex reflected = along(s, 1);
	if (reflected.value < s->at[0].value) {
		struct vertex further = along(s, 2);
		insert(s, n, further.value < reflected.value ? &further : &reflected);
	} else if (reflected.value < s->at[n - 1].value) {
		insert(s, n, &reflected);
	} else {
		double bar = fmin(reflected.value, s->at[n].value);
		struct vertex nearer = along(s, reflected.value < s->at[n].value ? 0.5 : -0.5);
		if (nearer.value < bar)
			insert(s, n, &nearer);
		else
			shrink(s);
	}
}

double simplex_min(
	simplex_fn *fn, void *arg, double *x, size_t dims, const struct simplex_opts *opts)
{
	must(dims >= 1 && dims <= SIMPLEX_DIMS);
	struct search s = {.fn = fn, .arg = arg, .dims = dims, .left = opts->evaluations};
	for (size_t i = 0; i <= dims; i++) {
		struct vertex corner = {0};
		memcpy(corner.x, x, dims * sizeof(*x));
		if (i > 0)
			corner.x[i - 1] += opts->step;
		evaluate(&s, &corner);
		insert(&s, i, &corner);
	}
	while (s.left > 0) {
		double best = s.at[0].value, worst = s.at[dims].value;
		if (worst - best <= opts->tol * (fabs(best) + fabs(worst)) || isinf(best))
			break;
		step(&s);
	}
	memcpy(x, s.at[0].x, dims * sizeof(*x));
	return s.at[0].value;
}
