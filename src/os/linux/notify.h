/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the service manager how a program does: the datagrams of sd_notify(3) and systemd.service
 * Type=notify-reload. Without a socket in the environment nothing is sent and all is well.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_OS_LINUX_NOTIFY_H
#define EBB_OS_LINUX_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct why;

struct notify {
	int fd; /* -1: nobody listens */
	struct sockaddr_un address;
	socklen_t address_len;
};

/* `socket`: the value of NOTIFY_SOCKET, NULL when it is not set; a path or "@name". */
int notify_init(struct notify *notify, const char *socket, struct why *why);
void notify_done(struct notify *notify);

/* 0 or negative errno; a manager that does not read is waited for at most a second. */
int notify_ready(struct notify *notify);
int notify_reloading(struct notify *notify); /* and notify_ready() when that is done */
int notify_stopping(struct notify *notify);
int notify_watchdog(struct notify *notify);
/* From now on the manager waits `ns` for a sign of life, whatever its unit file says. */
int notify_watchdog_every(struct notify *notify, int64_t ns);
int notify_status(struct notify *notify, const char *text);

/*
 * How often at least the manager wants notify_watchdog(), 0 for never: from WATCHDOG_USEC and
 * WATCHDOG_PID, NULL when not set. Half of that is a good pace. 0 or -EINVAL.
 */
int notify_watchdog_ns(
	const char *watchdog_usec, const char *watchdog_pid, int64_t *ret_ns, struct why *why);

#endif
