/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's random generator.
 *
 * Any thread.
 */
#ifndef EBB_OS_LINUX_DICE_H
#define EBB_OS_LINUX_DICE_H

#include "os/dice.h"

struct why;

/* Waits, early after boot, until the generator is seeded. Negative errno where there is none. */
int linux_dice_init(struct dice *dice, struct why *why);

#endif
