/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of time. */
#include "trace/ring.h"

/* Step n holds what lies below 256 ns x 2^((n + 1) / 8), roughly: its three highest bits count. */
unsigned trace_step_of(uint64_t ns)
{
	if (ns < 256)
		return 0;
	unsigned log = 63U - (unsigned)__builtin_clzll(ns);
	unsigned step = (log - 8) * 8 + (unsigned)(ns >> (log - 3) & 7) + 1;
	return step < TRACE_STEPS ? step : TRACE_STEPS - 1;
}

int64_t trace_step_ns(unsigned step)
{
	if (step == 0)
		return 256;
	unsigned log = (step - 1) / 8 + 8, part = (step - 1) % 8;
	return (int64_t)((UINT64_C(8) + part + 1) << (log - 3));
}

int64_t trace_latency(
	const struct trace_counts *before, const struct trace_counts *now, unsigned of_1000)
{
	uint64_t all = 0, seen = 0;
	for (unsigned i = 0; i < TRACE_STEPS; i++)
		all += now->latency[i] - before->latency[i];
	for (unsigned i = 0; i < TRACE_STEPS && all; i++) {
		seen += now->latency[i] - before->latency[i];
		if (seen >= all / 1000 * of_1000 + (all % 1000 * of_1000 + 999) / 1000)
			return trace_step_ns(i);
	}
	return 0;
}
