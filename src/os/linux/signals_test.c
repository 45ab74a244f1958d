/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that the test sends to itself. */
#include "os/linux/signals.h"

#include <signal.h>
#include <unistd.h>

#include "base/test.h"
#include "os/linux/scratch_test.h"

static struct {
	struct scratch scratch;
	struct signals *signals;
	int got[4], count;
} fixture;

static void on_signal(void *arg, int signal)
{
	CHECK(arg == &fixture);
	fixture.got[fixture.count++] = signal;
	loop_stop(fixture.scratch.world->loop);
}

static void begin(void)
{
	memset(&fixture, 0, sizeof(fixture));
	scratch_open(&fixture.scratch, NULL);
	CHECK_EQ(signals_open(
			 fixture.scratch.world->loop, on_signal, &fixture, &fixture.signals, NULL),
		0);
}

static void end(void)
{
	signals_close(fixture.signals);
	scratch_close(&fixture.scratch);
}

TEST(each_of_the_four_arrives_on_the_loop)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	begin();
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(kill(getpid(), signals[i]), 0);
		CHECK_EQ(fixture.count, i);
		scratch_run(&fixture.scratch);
		CHECK_EQ(fixture.count, i + 1);
		CHECK_EQ(fixture.got[i], signals[i]);
	}
	end();
}

static void close_signals(void *arg, int signal)
{
	(void)arg;
	(void)signal;
	signals_close(fixture.signals);
	fixture.signals = NULL;
	loop_stop(fixture.scratch.world->loop);
}

TEST(the_owner_may_close_them_when_one_arrives)
{
	begin();
	signals_close(fixture.signals);
	CHECK_EQ(signals_open(
			 fixture.scratch.world->loop, close_signals, NULL, &fixture.signals, NULL),
		0);
	CHECK_EQ(kill(getpid(), SIGHUP), 0);
	scratch_run(&fixture.scratch);
	CHECK(!fixture.signals);
	end();
}

TEST(what_was_found_is_put_back)
{
	struct sigaction pipe_now;
	sigset_t before, now;
	signal(SIGPIPE, SIG_DFL);
	CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &before), 0);
	begin();
	CHECK_EQ(sigaction(SIGPIPE, NULL, &pipe_now), 0);
	CHECK(pipe_now.sa_handler == SIG_IGN);
	CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &now), 0);
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
	end();
	CHECK_EQ(sigaction(SIGPIPE, NULL, &pipe_now), 0);
	CHECK(pipe_now.sa_handler == SIG_DFL);
	CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &now), 0);
	for (int i = 1; i < 32; i++)
		CHECK_EQ(sigismember(&now, i), sigismember(&before, i));
}

TEST_MAIN
