/* SPDX-License-Identifier: Apache-2.0 */
/* sd_notify(3) in as many lines as it needs; libsystemd would bring far more. */
#include "os/linux/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "os/linux/fd.h"

enum { MESSAGE_MAX = 1024 };

int notify_init(struct notify *notify, const char *socket_name, struct why *why)
{
	*notify = (struct notify){.fd = -1, .address.sun_family = AF_UNIX};
	if (!socket_name || !*socket_name)
		return 0;
	size_t len = strlen(socket_name);
	if (socket_name[0] != '/' && socket_name[0] != '@')
		return why_set(
			why, -EINVAL, "NOTIFY_SOCKET=%s: neither a path nor @name", socket_name);
	if (len >= sizeof(notify->address.sun_path))
		return why_set(why, -EINVAL, "NOTIFY_SOCKET=%s: longer than %zu bytes", socket_name,
			sizeof(notify->address.sun_path) - 1);
	memcpy(notify->address.sun_path, socket_name, len);
	if (socket_name[0] == '@')
		notify->address.sun_path[0] = '\0'; /* the kernel's way to write an abstract name */
	notify->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	OWN(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval second = {.tv_sec = 1};
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second)) < 0)
		return why_errno(why, -errno, "NOTIFY_SOCKET=%s", socket_name);
	notify->fd = fd_take(&fd);
	return 0;
}

void notify_done(struct notify *notify)
{
	fd_close(&notify->fd);
	notify->fd = -1;
}

static int tell(struct notify *notify, const char *text)
{
	ssize_t n;
	if (notify->fd < 0)
		return 0;
	do
		n = sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL,
			(struct sockaddr *)&notify->address, notify->address_len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int notify_ready(struct notify *notify)
{
	return tell(notify, "READY=1");
}

/* The manager compares the time with its own CLOCK_MONOTONIC: not the clock of the world. */
int notify_reloading(struct notify *notify)
{
	char text[MESSAGE_MAX];
	struct timespec now;
	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return -errno;
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		(int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	return tell(notify, text);
}

int notify_stopping(struct notify *notify)
{
	return tell(notify, "STOPPING=1");
}

int notify_watchdog(struct notify *notify)
{
	return tell(notify, "WATCHDOG=1");
}

int notify_watchdog_every(struct notify *notify, int64_t ns)
{
	char text[MESSAGE_MAX];
	snprintf(text, sizeof(text), "WATCHDOG_USEC=%" PRId64, ns / NS_PER_US);
	return tell(notify, text);
}

/* A line break would begin another assignment. */
int notify_status(struct notify *notify, const char *status)
{
	char text[MESSAGE_MAX];
	snprintf(text, sizeof(text), "STATUS=%s", status);
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = ' ';
	return tell(notify, text);
}

/* Digits only, and no more than fit. */
static int number(const char *text, int64_t *ret_value)
{
	char *end;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno || *end)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

int notify_watchdog_ns(
	const char *watchdog_usec, const char *watchdog_pid, int64_t *ret_ns, struct why *why)
{
	int64_t usec = 0, pid = getpid(), ns;
	if (watchdog_usec && (number(watchdog_usec, &usec) || !mul_fits(usec, NS_PER_US, &ns)))
		return why_set(why, -EINVAL, "WATCHDOG_USEC=%s: not a number of microseconds",
			watchdog_usec);
	if (watchdog_pid && number(watchdog_pid, &pid))
		return why_set(why, -EINVAL, "WATCHDOG_PID=%s: not a process", watchdog_pid);
	*ret_ns = pid == getpid() ? usec * NS_PER_US : 0; /* else it is meant for another */
	return 0;
}
