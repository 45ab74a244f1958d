/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resource: what is protected, where it is read, and what is known of its points.
 *
 * Any thread: a plain value.
 */
#ifndef EBB_CORE_RESOURCE_H
#define EBB_CORE_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/name.h"

/* Which bytes are written for a point. */
enum kind { KIND_INCREMENTAL, KIND_DIFFERENTIAL, KIND_FULL, KINDS };

/* Who drives its jobs. */
enum driver { DRIVER_PLANNER, DRIVER_REACTIVE };

struct resource {
	char name[CORE_NAME];
	char device[CORE_NAME];
	char program[CORE_NAME], data[CORE_NAME], type[CORE_NAME];
	uint64_t size;         /* bytes of a full */
	uint64_t dirty;        /* of an incremental, as forecast for its start */
	uint64_t since_full;   /* of a differential */
	double work_was;       /* real work over forecast, as learnt from its outcomes */
	double restores;       /* a day, expected */
	int64_t verified_ns;   /* start of the last verified point; 0: there is none */
	uint32_t links;        /* of the chain of the last point, its full included; 0: none */
	uint64_t chain;        /* bytes that a restore of it reads */
	int64_t base_until_ns; /* its full is kept until; 0: for ever */
	double dead;           /* share of the chain's bytes that no point needs */
	enum driver driver;    /* the better one of the last days */
	bool asked;            /* the operator wants the planner before it has seen a week */
	char hold[CORE_NAME];  /* why the operator holds it, one word; "": does not */
	char was[CORE_NAME];   /* the tier of the plan before; "" none */
};

#endif
