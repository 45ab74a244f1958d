/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os/crew.h on threads.
 *
 * One thread opens, gives, takes and closes.
 */
#ifndef EBB_OS_LINUX_CREW_H
#define EBB_OS_LINUX_CREW_H

#include "os/crew.h"

struct linux_crew;
struct why;

/* `hands` threads, 0: one for each CPU. Gives the crew. */
int linux_crew_open(unsigned hands, struct linux_crew **ret_crew, struct why *why);

/* Borrowed from it; of NULL it is NULL. */
struct crew *linux_crew(struct linux_crew *crew);

/* Takes the crew when every task was taken back; NULL is allowed. */
void linux_crew_close(struct linux_crew *crew);

#endif
