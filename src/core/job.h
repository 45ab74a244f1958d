/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job: an act under way. A resource has one at most.
 *
 * Any thread: a plain value.
 */
#ifndef EBB_CORE_JOB_H
#define EBB_CORE_JOB_H

#include <stdint.h>

#include "core/name.h"
#include "core/resource.h"

struct job {
	char resource[CORE_NAME], tier[CORE_NAME];
	enum kind kind;
	int64_t started_ns; /* of the point: its cut */
	double done;        /* share of its bytes */
};

#endif
