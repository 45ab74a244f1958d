/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory between a loop and a thread, and peers that hand over something else. */
#include "os/linux/share.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "base/test.h"
#include "base/why.h"
#include "os/linux/fd.h"
#include "os/linux/scratch_test.h"
#include "os/linux/stream.h"
#include "os/net.h"

enum { LEN = 3 * 4096, PATIENCE_MS = 20000 };

static struct {
	struct scratch scratch;
	struct listener *listener;
	struct share share;
	int other; /* handed over instead; -1: nothing is */
	char path[128];
	int err;
	struct share taken;
	struct why why;
} fixture;

static void on_accept(struct listener *listener, struct stream *stream)
{
	(void)listener;
	if (fixture.other >= 0)
		CHECK_EQ(linux_stream_send_fd(stream, fixture.other), 0);
	else if (fixture.share.bytes)
		CHECK_EQ(share_hand(&fixture.share, stream), 0);
	stream_close(stream);
	loop_stop(fixture.scratch.world->loop);
}

static void begin(void)
{
	char address[160];
	memset(&fixture, 0, sizeof(fixture));
	fixture.other = -1;
	scratch_open(&fixture.scratch, NULL);
	snprintf(address, sizeof(address), "unix:%s",
		scratch_path(&fixture.scratch, "share.sock", fixture.path));
	CHECK_EQ(net_listen(fixture.scratch.world->net, address, &fixture.listener, &fixture.why),
		0);
	fixture.listener->on_accept = on_accept;
}

static void end(void)
{
	share_done(&fixture.taken);
	share_done(&fixture.share);
	listener_close(fixture.listener);
	scratch_close(&fixture.scratch);
}

static void *take_thread(void *arg)
{
	(void)arg;
	fixture.err = share_take(fixture.path, LEN, PATIENCE_MS, &fixture.taken, &fixture.why);
	return NULL;
}

static void take(void)
{
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, take_thread, NULL), 0);
	scratch_run(&fixture.scratch);
	pthread_join(thread, NULL);
}

TEST(what_one_writes_another_reads)
{
	begin();
	CHECK_EQ(share_make("test", LEN, &fixture.share, &fixture.why), 0);
	memcpy(fixture.share.bytes, "before", 6);
	take();
	CHECK_EQ(fixture.err, 0);
	CHECK(memcmp(fixture.taken.bytes, "before", 6) == 0);
	memcpy((char *)fixture.share.bytes + LEN - 5, "after", 5);
	CHECK(memcmp((char *)fixture.taken.bytes + LEN - 5, "after", 5) == 0);
	CHECK_EQ(fixture.taken.which, fixture.share.which);
	end();
}

TEST(readers_can_neither_write_nor_shrink_it)
{
	begin();
	CHECK_EQ(share_make("test", LEN, &fixture.share, &fixture.why), 0);
	take();
	CHECK_EQ(fixture.err, 0);
	CHECK(mmap(NULL, LEN, PROT_WRITE, MAP_SHARED, fixture.taken.fd, 0) == MAP_FAILED);
	CHECK(ftruncate(fixture.taken.fd, 0) < 0);
	CHECK(write(fixture.taken.fd, "x", 1) < 0);
	end();
}

TEST(what_could_shrink_is_not_taken)
{
	begin();
	OWN(fd_close) int other = memfd_create("other", MFD_ALLOW_SEALING);
	CHECK_EQ(ftruncate(other, LEN), 0);
	fixture.other = other;
	take();
	CHECK_EQ(fixture.err, -EBADMSG);
	CHECK(strstr(fixture.why.text, "share.sock: what it hands over is no trace of ours"));
	end();
}

TEST(what_is_no_memory_is_not_taken)
{
	begin();
	OWN(fd_close) int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fixture.other = other;
	take();
	CHECK_EQ(fixture.err, -EBADMSG);
	end();
}

TEST(another_size_is_not_taken)
{
	begin();
	CHECK_EQ(share_make("test", LEN - 4096, &fixture.share, &fixture.why), 0);
	take();
	CHECK_EQ(fixture.err, -EBADMSG);
	end();
}

TEST(one_who_hands_over_nothing)
{
	begin();
	take();
	CHECK_EQ(fixture.err, -EBADMSG);
	end();
}

TEST(nobody_there)
{
	begin();
	CHECK_EQ(share_take("/nowhere/share.sock", LEN, 1, &fixture.taken, &fixture.why), -ENOENT);
	/* Who never answers is not waited for. */
	CHECK_EQ(share_take(fixture.path, LEN, 1, &fixture.taken, &fixture.why), -ETIMEDOUT);
	end();
}

TEST(memory_that_is_kept_is_there_for_the_next_and_for_one_at_a_time)
{
	struct share one, two;
	struct why why;
	uint8_t boot[16], again[16];
	begin();
	CHECK_EQ(share_keep(fixture.scratch.dir, LEN, &one, &why), 0);
	CHECK_EQ(share_keep(fixture.scratch.dir, LEN, &two, &why), -EWOULDBLOCK);
	CHECK(share_ready(&one, LEN) == LEN && ((char *)one.bytes)[LEN - 1] == 0);
	memcpy(one.bytes, "left", 4);
	share_done(&one);
	CHECK_EQ(share_keep(fixture.scratch.dir, LEN, &two, &why), 0);
	CHECK(memcmp(two.bytes, "left", 4) == 0);
	share_forget(&two, fixture.scratch.dir);
	CHECK_EQ(share_keep(fixture.scratch.dir, LEN, &one, &why), 0);
	CHECK(memcmp(one.bytes, "\0\0\0", 4) == 0);
	share_forget(&one, fixture.scratch.dir);
	CHECK_EQ(share_keep("/no/such/folder", LEN, &one, &why), -ENOENT);
	CHECK_EQ(share_boot(boot, &why), 0);
	CHECK(share_boot(again, &why) == 0 && memcmp(boot, again, 16) == 0);
	end();
}

TEST_MAIN
