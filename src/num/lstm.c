/* SPDX-License-Identifier: Apache-2.0 */
/* Gates forward, gradients backward through time. */
#include "num/lstm.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "num/array.h"

/*
 * exp() of the C library may differ in the last bit between machines. This one is made of exact
 * operations in a fixed order: x = k ln 2 + r, the series of exp(r) to the 13th power, 2^k.
 */
static double steady_exp(double x)
{
	x = x > 700 ? 700 : x < -700 ? -700 : x;
	double k = floor(x * 1.4426950408889634 + 0.5);
	double r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
	double sum = 1;
	for (int i = 13; i > 0; i--)
		sum = 1 + sum * r / i;
	return ldexp(sum, (int)k);
}

static double sigmoid(double x)
{
	return 1 / (1 + steady_exp(-x));
}

static double tanh_of(double x)
{
	return 1 - 2 / (1 + steady_exp(2 * x));
}

size_t lstm_weights(const struct lstm *lstm)
{
	return 4 * lstm->hidden * (lstm->inputs + lstm->hidden + 1) +
		lstm->outputs * (lstm->hidden + 1);
}

/* Of each step: its input row, four gates, the cell, its tanh, the output. */
enum { IN, FORGET, OUT, NEW, GATES };

struct tape {
	double *gates;  /* steps x 4 hidden */
	double *cell;   /* (steps + 1) x hidden; row 0 is zero */
	double *hidden; /* the same */
	double *row;    /* inputs + hidden + 1 */
	double *dgate, *dcell, *dhidden, *answer;
};

size_t lstm_scratch(const struct lstm *lstm, size_t steps)
{
	size_t h = lstm->hidden;
	return GATES * h * steps + 2 * h * (steps + 1) + lstm->inputs + h + 1 + GATES * h + 2 * h +
		lstm->outputs;
}

static struct tape tape_on(const struct lstm *lstm, size_t steps, double *scratch)
{
	size_t h = lstm->hidden;
	struct tape tape = {.gates = scratch};
	tape.cell = tape.gates + GATES * h * steps;
	tape.hidden = tape.cell + h * (steps + 1);
	tape.row = tape.hidden + h * (steps + 1);
	tape.dgate = tape.row + lstm->inputs + h + 1;
	tape.dcell = tape.dgate + GATES * h;
	tape.dhidden = tape.dcell + h;
	tape.answer = tape.dhidden + h;
	memset(tape.cell, 0, h * sizeof(double));
	memset(tape.hidden, 0, h * sizeof(double));
	return tape;
}

void lstm_begin(const struct lstm *lstm, uint64_t seed, double *ret_weights)
{
	struct rng rng;
	size_t h = lstm->hidden, width = lstm->inputs + h + 1, count = lstm_weights(lstm);
	double reach = 1 / sqrt((double)h);
	rng_seed(&rng, seed);
	for (size_t i = 0; i < count; i++) {
		double unit = (double)(rng_u64(&rng) >> 11) * 0x1p-53;
		ret_weights[i] = reach * (2 * unit - 1);
	}
	for (size_t j = 0; j < h; j++)
		ret_weights[(FORGET * h + j) * width + width - 1] = 1;
}

static void fill_row(
	const struct lstm *lstm, const struct tape *tape, const struct lstm_case *one, size_t t)
{
	size_t inputs = lstm->inputs, h = lstm->hidden;
	memcpy(tape->row, one->x + t * inputs, inputs * sizeof(double));
	memcpy(tape->row + inputs, tape->hidden + t * h, h * sizeof(double));
	tape->row[inputs + h] = 1;
}

static void forward(const struct lstm *lstm, const double *weights, const struct lstm_case *one,
	const struct tape *tape)
{
	size_t h = lstm->hidden, width = lstm->inputs + h + 1;
	for (size_t t = 0; t < one->steps; t++) {
		double *gates = tape->gates + t * GATES * h;
		fill_row(lstm, tape, one, t);
		for (size_t g = 0; g < GATES * h; g++) {
			double sum = num_dot(weights + g * width, tape->row, width);
			gates[g] = g < NEW * h ? sigmoid(sum) : tanh_of(sum);
		}
		double *cell = tape->cell + (t + 1) * h, *hidden = tape->hidden + (t + 1) * h;
		for (size_t j = 0; j < h; j++) {
			cell[j] = gates[FORGET * h + j] * tape->cell[t * h + j] +
				gates[IN * h + j] * gates[NEW * h + j];
			hidden[j] = gates[OUT * h + j] * tanh_of(cell[j]);
		}
	}
	const double *out = weights + GATES * h * width, *last = tape->hidden + one->steps * h;
	for (size_t o = 0; o < lstm->outputs; o++)
		tape->answer[o] = num_dot(out + o * (h + 1), last, h) + out[o * (h + 1) + h];
}

void lstm_answer(const struct lstm *lstm, const double *weights, const struct lstm_case *one,
	double *scratch, double *ret)
{
	struct tape tape = tape_on(lstm, one->steps, scratch);
	forward(lstm, weights, one, &tape);
	memcpy(ret, tape.answer, lstm->outputs * sizeof(double));
}

/* The read-out's gradient, and what flows back into the last hidden state. */
static double answer_back(const struct lstm *lstm, const double *weights,
	const struct lstm_case *one, const struct tape *tape, double *gradient)
{
	size_t h = lstm->hidden, from = GATES * h * (lstm->inputs + h + 1);
	const double *last = tape->hidden + one->steps * h;
	double loss = 0;
	memset(tape->dhidden, 0, h * sizeof(double));
	memset(tape->dcell, 0, h * sizeof(double));
	for (size_t o = 0; o < lstm->outputs; o++) {
		double error = (tape->answer[o] - one->target[o]) / (double)lstm->outputs;
		loss += 0.5 * error * (tape->answer[o] - one->target[o]);
		num_axpy(gradient + from + o * (h + 1), error, last, h);
		gradient[from + o * (h + 1) + h] += error;
		num_axpy(tape->dhidden, error, weights + from + o * (h + 1), h);
	}
	return loss;
}

/* One step back in time: gradients of the gates from those of cell and hidden state. */
static void gates_back(const struct lstm *lstm, const struct tape *tape, size_t t)
{
	size_t h = lstm->hidden;
	const double *gates = tape->gates + t * GATES * h, *before = tape->cell + t * h;
	for (size_t j = 0; j < h; j++) {
		double in = gates[IN * h + j], keep = gates[FORGET * h + j];
		double out = gates[OUT * h + j], new = gates[NEW * h + j];
		double bent = tanh_of(tape->cell[(t + 1) * h + j]);
		double dcell = tape->dcell[j] + tape->dhidden[j] * out * (1 - bent * bent);
		tape->dgate[OUT * h + j] = tape->dhidden[j] * bent * out * (1 - out);
		tape->dgate[IN * h + j] = dcell * new *in *(1 - in);
		tape->dgate[NEW * h + j] = dcell * in * (1 - new *new);
		tape->dgate[FORGET * h + j] = dcell * before[j] * keep * (1 - keep);
		tape->dcell[j] = dcell * keep;
	}
}

double lstm_gradient(const struct lstm *lstm, const double *weights, const struct lstm_case *one,
	double *scratch, double *gradient)
{
	size_t h = lstm->hidden, width = lstm->inputs + h + 1;
	struct tape tape = tape_on(lstm, one->steps, scratch);
	forward(lstm, weights, one, &tape);
	double loss = answer_back(lstm, weights, one, &tape, gradient);
	for (size_t t = one->steps; t-- > 0;) {
		gates_back(lstm, &tape, t);
		fill_row(lstm, &tape, one, t);
		memset(tape.dhidden, 0, h * sizeof(double));
		for (size_t g = 0; g < GATES * h; g++) {
			num_axpy(gradient + g * width, tape.dgate[g], tape.row, width);
			num_axpy(
				tape.dhidden, tape.dgate[g], weights + g * width + lstm->inputs, h);
		}
	}
	return loss;
}

void adam_move(struct adam *adam, double *weights, double *gradient, size_t count)
{
	double length = sqrt(num_dot(gradient, gradient, count));
	double cut = length > 1 ? 1 / length : 1;
	adam->steps++;
	/* Powers by steady_exp(): pow() may differ between machines. */
	double t = (double)adam->steps;
	double left1 = 1 - steady_exp(-0.10536051565782628 * t);
	double left2 = 1 - steady_exp(-0.0010005003335835344 * t);
	for (size_t i = 0; i < count; i++) {
		double g = gradient[i] * cut;
		adam->first[i] = 0.9 * adam->first[i] + 0.1 * g;
		adam->second[i] = 0.999 * adam->second[i] + 0.001 * g * g;
		weights[i] -= adam->rate * (adam->first[i] / left1) /
			(sqrt(adam->second[i] / left2) + 1e-8);
		gradient[i] = 0;
	}
}
