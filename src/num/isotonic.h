/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Isotonic regression: the nearest sequence that never falls, by pooling neighbours that do (PAVA;
 * Barlow, Bartholomew, Bremner and Brunk 1972). Turns a score that merely ranks well into a
 * probability that comes true.
 *
 * Any thread.
 */
#ifndef EBB_NUM_ISOTONIC_H
#define EBB_NUM_ISOTONIC_H

#include <stddef.h>

/* Replaces y by its isotonic fit; each weight is > 0. Linear but for adversarial orders. */
void isotonic_fit(double *y, const double *weight, size_t n);

/* The fit at `at`: linear between the ascending x, level outside; NaN when n is 0. */
double isotonic_at(const double *x, const double *fitted, size_t n, double at);

#endif
