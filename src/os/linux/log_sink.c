/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to a descriptor. A line that cannot be written is lost: there is nobody to tell. */
#include "os/linux/log_sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/linux/clock.h"

static void put(void *arg, const char *line, size_t len)
{
	struct log_sink *sink = arg;
	while (len) {
		ssize_t n = write(sink->fd, line, len);
		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			line += n;
			len -= (size_t)n;
		}
	}
}

static int64_t wall_ns(void *arg)
{
	struct log_sink *sink = arg;
	return clock_wall_ns(&sink->clock);
}

/*
 * systemd.exec(5): "device:inode" of what it connected; another descriptor there means that
 * somebody redirected it since.
 */
static bool is_journal(int fd, const char *journal_stream)
{
	struct stat about;
	char mine[64];
	if (!journal_stream || fstat(fd, &about) < 0)
		return false;
	snprintf(mine, sizeof(mine), "%" PRIu64 ":%" PRIu64, (uint64_t)about.st_dev,
		(uint64_t)about.st_ino);
	return strcmp(mine, journal_stream) == 0;
}

void log_sink_init(struct log_sink *sink, int fd, enum log_level level, const char *journal_stream)
{
	*sink = (struct log_sink){
		.log = {.level = level, .journal = is_journal(fd, journal_stream), .put = put},
		.fd = fd,
	};
	linux_clock_init(&sink->clock);
	sink->log.wall_ns = wall_ns;
	sink->log.arg = sink;
}
