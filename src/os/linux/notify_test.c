/* SPDX-License-Identifier: Apache-2.0 */
/* The test is the service manager: it binds the socket and reads what comes. */
#include "os/linux/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "os/linux/scratch_test.h"

/* What the manager got. */
static const char *got(int fd, char text[2048])
{
	ssize_t n = recv(fd, text, 2047, MSG_DONTWAIT);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int manager(const char *path, size_t len)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0);
	memcpy(address.sun_path, path, len);
	CHECK_EQ(bind(fd, (struct sockaddr *)&address,
			 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		0);
	return fd;
}

static void tell_all(struct notify *notify, int fd)
{
	char text[2048];
	int64_t usec;
	struct timespec now;
	CHECK_EQ(notify_ready(notify), 0);
	CHECK_STR(got(fd, text), "READY=1");
	CHECK_EQ(notify_watchdog(notify), 0);
	CHECK_STR(got(fd, text), "WATCHDOG=1");
	CHECK_EQ(notify_status(notify, "serving\nREADY=1"), 0);
	CHECK_STR(got(fd, text), "STATUS=serving READY=1");
	CHECK_EQ(notify_stopping(notify), 0);
	CHECK_STR(got(fd, text), "STOPPING=1");
	CHECK_EQ(notify_reloading(notify), 0);
	CHECK_EQ(sscanf(got(fd, text), "RELOADING=1\nMONOTONIC_USEC=%" SCNd64, &usec), 1);
	clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t now_usec = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	CHECK(usec <= now_usec && usec > now_usec - 10 * 1000000);
}

TEST(a_manager_at_a_path_is_told)
{
	struct scratch scratch;
	struct notify notify;
	char path[128];
	scratch_open(&scratch, NULL);
	scratch_path(&scratch, "notify", path);
	int fd = manager(path, strlen(path));
	CHECK_EQ(notify_init(&notify, path, NULL), 0);
	tell_all(&notify, fd);
	close(fd);
	CHECK_EQ(notify_ready(&notify), -ECONNREFUSED);
	notify_done(&notify);
	CHECK_EQ(notify_ready(&notify), 0);
	scratch_close(&scratch);
}

TEST(a_manager_at_an_abstract_name_is_told)
{
	struct notify notify;
	char name[64];
	int len = snprintf(name, sizeof(name), "@ebb-notify-%d", getpid());
	name[0] = '\0';
	int fd = manager(name, (size_t)len);
	name[0] = '@';
	CHECK_EQ(notify_init(&notify, name, NULL), 0);
	tell_all(&notify, fd);
	notify_done(&notify);
	close(fd);
}

TEST(without_a_manager_nothing_is_sent)
{
	struct notify notify;
	CHECK_EQ(notify_init(&notify, NULL, NULL), 0);
	CHECK_EQ(notify_ready(&notify), 0);
	notify_done(&notify);
	CHECK_EQ(notify_init(&notify, "", NULL), 0);
	CHECK_EQ(notify_reloading(&notify), 0);
	notify_done(&notify);
}

TEST(strange_sockets_are_refused)
{
	struct notify notify;
	struct why why;
	char path[200] = "/";
	CHECK_EQ(notify_init(&notify, "vsock:2:1234", &why), -EINVAL);
	CHECK_STR(why.text, "NOTIFY_SOCKET=vsock:2:1234: neither a path nor @name");
	memset(path + 1, 'x', 150);
	CHECK_EQ(notify_init(&notify, path, &why), -EINVAL);
	CHECK(strstr(why.text, "xxx: longer than 107 bytes"));
	CHECK_EQ(notify_ready(&notify), 0);
}

TEST(the_watchdogs_pace_is_read)
{
	int64_t ns = -1;
	struct why why;
	char pid[20];
	snprintf(pid, sizeof(pid), "%d", getpid());
	CHECK_EQ(notify_watchdog_ns("30000000", pid, &ns, NULL), 0);
	CHECK_EQ(ns, 30 * NS_PER_SEC);
	CHECK_EQ(notify_watchdog_ns("30000000", NULL, &ns, NULL), 0);
	CHECK_EQ(ns, 30 * NS_PER_SEC);
	CHECK_EQ(notify_watchdog_ns("30000000", "1", &ns, NULL), 0);
	CHECK_EQ(ns, 0);
	CHECK_EQ(notify_watchdog_ns(NULL, NULL, &ns, NULL), 0);
	CHECK_EQ(ns, 0);
	CHECK_EQ(notify_watchdog_ns("30s", pid, &ns, &why), -EINVAL);
	CHECK_STR(why.text, "WATCHDOG_USEC=30s: not a number of microseconds");
	CHECK_EQ(notify_watchdog_ns("9223372036854775807", pid, &ns, &why), -EINVAL);
	CHECK_EQ(notify_watchdog_ns("1", "-1", &ns, &why), -EINVAL);
	CHECK_STR(why.text, "WATCHDOG_PID=-1: not a process");
}

TEST_MAIN
