/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership of file descriptors, in the words of base/own.h: OWN(fd_close) int fd = ...;
 *
 * Any thread.
 */
#ifndef EBB_OS_LINUX_FD_H
#define EBB_OS_LINUX_FD_H

#include <errno.h>
#include <unistd.h>

/* Closes *fd unless it is negative. Leaves errno as it was. */
static inline void fd_close(int *fd)
{
	int before = errno;
	if (*fd >= 0)
		close(*fd);
	errno = before;
}

/* Yields *fd and leaves -1 behind, so that the cleanup finds nothing. */
static inline int fd_take(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

#endif
