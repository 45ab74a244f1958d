/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace from a file that a call names, with the columns of its --time and --value.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_TRACE_FILE_H
#define EBB_EBB_TRACE_FILE_H

#include "foresee/trace.h"

struct call;

struct trace_file {
	struct samples samples;
	struct trace_facts facts;
};

/* An exit code; what is wrong was told. trace_file_done() in any case. */
int trace_file_read(const struct call *call, const char *path, struct trace_file *ret);
void trace_file_done(struct trace_file *file);

#endif
