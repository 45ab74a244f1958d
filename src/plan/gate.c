/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over seven days. */
#include "plan/gate.h"

#include <math.h>

static const double late_costs = 50;

double gate_cost(double harm, bool late)
{
	return (harm > 0 ? harm : 0) + (late ? late_costs : 0);
}

void gate_note(struct gate *gate, double planner, double feedback)
{
	size_t at = gate->days++ % GATE_DAYS;
	gate->planner[at] = isfinite(planner) ? planner : late_costs;
	gate->feedback[at] = isfinite(feedback) ? feedback : late_costs;
}

enum driver gate_driver(const struct gate *gate)
{
	double planner = 0, feedback = 0;
	for (size_t i = 0; i < GATE_DAYS; i++) {
		planner += gate->planner[i];
		feedback += gate->feedback[i];
	}
	return gate->days >= GATE_DAYS && planner <= feedback ? DRIVER_PLANNER : DRIVER_REACTIVE;
}
