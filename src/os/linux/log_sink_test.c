/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on a pipe, with and without the journal at its end. */
#include "os/linux/log_sink.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"

static int ends[2];

static const char *said(char text[500])
{
	ssize_t n = read(ends[0], text, 499);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

TEST(the_journal_is_known_by_its_device_and_inode)
{
	struct log_sink sink;
	struct stat about;
	char stream[64], text[500];
	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
	CHECK_EQ(fstat(ends[1], &about), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)about.st_dev,
		(uintmax_t)about.st_ino);
	log_sink_init(&sink, ends[1], LOG_INFO, stream);
	log_say(&sink.log, LOG_WARN, "moved", LOG_NUM("count", 3));
	CHECK_STR(said(text), "<4>event=moved count=3\n");
	log_say(&sink.log, LOG_DEBUG, "unheard");
	/* One digit more: somebody put another pipe there since. */
	snprintf(stream, sizeof(stream), "%ju:%ju1", (uintmax_t)about.st_dev,
		(uintmax_t)about.st_ino);
	log_sink_init(&sink, ends[1], LOG_INFO, stream);
	log_say(&sink.log, LOG_INFO, "moved");
	said(text);
	CHECK(strncmp(text, "ts=20", 5) == 0);
	CHECK(strstr(text, "Z level=info event=moved\n"));
	log_sink_init(&sink, ends[1], LOG_INFO, NULL);
	log_say(&sink.log, LOG_ERROR, "moved");
	CHECK(strstr(said(text), " level=error event=moved\n"));
	close(ends[0]);
	close(ends[1]);
}

TEST(a_line_that_nobody_takes_is_lost_without_a_word)
{
	struct log_sink sink;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	log_sink_init(&sink, fd, LOG_INFO, NULL);
	log_say(&sink.log, LOG_INFO, "lost");
	close(fd);
	log_say(&sink.log, LOG_INFO, "lost too");
}

TEST_MAIN
