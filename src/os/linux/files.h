/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os/files.h on Linux.
 *
 * Any thread.
 */
#ifndef EBB_OS_LINUX_FILES_H
#define EBB_OS_LINUX_FILES_H

#include "os/files.h"

/* There is nothing to open: the kernel keeps the state. */
struct files linux_files(void);

#endif
