/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's clocks: CLOCK_BOOTTIME and CLOCK_REALTIME.
 *
 * Any thread.
 */
#ifndef EBB_OS_LINUX_CLOCK_H
#define EBB_OS_LINUX_CLOCK_H

#include "os/clock.h"

void linux_clock_init(struct clock *clock);

#endif
