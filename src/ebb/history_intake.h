/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `history import` of forms that hold many series: sysstat, prometheus, influx.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_HISTORY_INTAKE_H
#define EBB_EBB_HISTORY_INTAKE_H

struct call;

/* Exit codes; what is wrong was told. */
int history_sysstat(const struct call *call, const char *file);
int history_prometheus(const struct call *call, const char *url);
int history_influx(const struct call *call, const char *file_or_url);

#endif
