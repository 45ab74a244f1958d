/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Contention Score, 0 to 100, of a resource and a window: 100 times the probability that the
 * impact threshold of the programs is exceeded for at least a tenth of that window, if the job runs
 * as asked. The one definition; who computes it says so of this event, and is held against it.
 *
 * Any thread.
 */
#ifndef EBB_CORE_SCORE_H
#define EBB_CORE_SCORE_H

#define CONTENTION_EVENT \
	"waiting beyond the impact threshold in at least a tenth of the window, if the job runs " \
	"as asked"

/* The default policy: above HIGH cold or offsite, from LOW on warm, below it hot. */
enum { CONTENTION_HIGH = 80, CONTENTION_LOW = 50 };

#endif
