/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the benchmark hand to each other. One thread. */
#ifndef EBB_BENCH_DECIDE_H
#define EBB_BENCH_DECIDE_H

struct replay_world;

void score_table(const struct replay_world *world);

#endif
