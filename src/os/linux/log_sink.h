/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a program's log lines go: standard error, in the journal's form when the journal is at its
 * other end.
 *
 * One thread for each struct.
 */
#ifndef EBB_OS_LINUX_LOG_SINK_H
#define EBB_OS_LINUX_LOG_SINK_H

#include "base/log.h"
#include "os/clock.h"

struct log_sink {
	struct log log; /* the program's; its level may be changed at any time */
	struct clock clock;
	int fd;
};

/* Borrows the descriptor. `journal_stream`: the value of JOURNAL_STREAM, NULL when it is not set.
 */
void log_sink_init(struct log_sink *sink, int fd, enum log_level level, const char *journal_stream);

#endif
