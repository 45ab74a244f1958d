/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os/programs.h on Linux.
 *
 * Any thread.
 */
#ifndef EBB_OS_LINUX_PROGRAMS_H
#define EBB_OS_LINUX_PROGRAMS_H

#include "os/programs.h"

/* There is nothing to open: the kernel keeps the state. */
struct programs linux_programs(void);

#endif
