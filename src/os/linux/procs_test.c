/* SPDX-License-Identifier: Apache-2.0 */
/* Real children: /bin/sh, told by its environment where to write what it sees. */
#include "os/linux/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/linux/scratch_test.h"
#include "os/linux/signals.h"

static struct {
	struct scratch scratch;
	struct timer timer;
	struct proc *proc;
	char out[128]; /* what a child wrote */
	char text[4096];
	int status, exits;
} fixture;

static struct loop *loop(void)
{
	return fixture.scratch.world->loop;
}

static void begin(void)
{
	memset(&fixture, 0, sizeof(fixture));
	scratch_open(&fixture.scratch, NULL);
	scratch_path(&fixture.scratch, "out", fixture.out);
}

static void end(void)
{
	proc_close(fixture.proc);
	scratch_close(&fixture.scratch);
}

static void on_exit_note(struct proc *proc, int status)
{
	CHECK(proc == fixture.proc);
	fixture.status = status;
	fixture.exits++;
	loop_stop(loop());
}

/* Starts a shell with OUT=... as its whole environment. */
static void start(const char *script)
{
	char out[160];
	struct why why = {0};
	snprintf(out, sizeof(out), "OUT=%s", fixture.out);
	const char *argv[] = {"sh", "-c", script, NULL}, *env[] = {out, NULL};
	const struct proc_spec spec = {.program = "/bin/sh", .argv = argv, .env = env};
	int err = procs_start(fixture.scratch.world->procs, &spec, &fixture.proc, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "procs_start: %s", why.text);
	fixture.proc->on_exit = on_exit_note;
}

/* Runs it to its end: what it wrote. */
static const char *run(const char *script)
{
	proc_close(fixture.proc);
	start(script);
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.status, 0);
	FILE *file = fopen(fixture.out, "re");
	CHECK(file);
	size_t len = fread(fixture.text, 1, sizeof(fixture.text) - 1, file);
	fclose(file);
	for (size_t i = 0; i < len; i++)
		if (!fixture.text[i])
			fixture.text[i] = '|';
	fixture.text[len] = '\0';
	return fixture.text;
}

TEST(an_exit_status_comes_once)
{
	begin();
	start("exit 7");
	pid_t pid = proc_pid(fixture.proc);
	CHECK(pid > 1);
	scratch_run(&fixture.scratch);
	CHECK(WIFEXITED(fixture.status));
	CHECK_EQ(WEXITSTATUS(fixture.status), 7);
	CHECK_EQ(fixture.exits, 1);
	CHECK_EQ(proc_signal(fixture.proc, SIGKILL), -ESRCH);
	CHECK_EQ(kill(pid, 0), -1); /* no zombie is left */
	end();
}

TEST(what_a_child_prints_is_added_to_files)
{
	begin();
	struct why why = {0};
	char errors[160];
	snprintf(errors, sizeof(errors), "%s.errors", fixture.out);
	const char *argv[] = {"sh", "-c", "echo said; echo wrong >&2", NULL}, *env[] = {NULL};
	const struct proc_spec spec = {.program = "/bin/sh",
		.argv = argv,
		.env = env,
		.output = fixture.out,
		.errors = errors};
	for (int i = 0; i < 2; i++) {
		proc_close(fixture.proc);
		CHECK_EQ(procs_start(fixture.scratch.world->procs, &spec, &fixture.proc, &why), 0);
		fixture.proc->on_exit = on_exit_note;
		scratch_run(&fixture.scratch);
	}
	CHECK_STR(run("cat $OUT $OUT.errors > $OUT.both; mv $OUT.both $OUT"),
		"said\nsaid\nwrong\nwrong\n");
	end();
}

TEST(a_signal_ends_a_child_and_is_told)
{
	begin();
	start("kill -STOP $$");
	CHECK_EQ(proc_signal(fixture.proc, SIGTERM), 0);
	CHECK_EQ(proc_signal(fixture.proc, SIGCONT), 0);
	scratch_run(&fixture.scratch);
	CHECK(WIFSIGNALED(fixture.status));
	CHECK_EQ(WTERMSIG(fixture.status), SIGTERM);
	end();
}

/* The child has written all that it will when it is seen to have. */
static void look_at_use(struct timer *timer)
{
	struct proc_use use;
	CHECK_EQ(proc_use(fixture.proc, &use), 0);
	if (use.asked_bytes < 100000)
		timer_set(loop(), timer, 0);
	else
		CHECK_EQ(proc_signal(fixture.proc, SIGKILL), 0);
}

TEST(what_a_child_used_is_told_while_it_runs)
{
	struct proc_use use;
	begin();
	start("i=0; while [ $i -lt 100 ]; do printf %01000d 0; i=$((i + 1)); done >$OUT; "
	      "kill -STOP $$");
	fixture.timer.fn = look_at_use;
	timer_set(loop(), &fixture.timer, 0);
	scratch_run(&fixture.scratch);
	CHECK(WIFSIGNALED(fixture.status));
	CHECK_EQ(proc_use(fixture.proc, &use), -ESRCH);
	end();
}

TEST(a_child_gets_the_environment_of_its_spec_and_no_more)
{
	char expected[160];
	begin();
	setenv("EBB_TEST_LEAK", "1", 1);
	snprintf(expected, sizeof(expected), "OUT=%s|", fixture.out);
	CHECK_STR(run("cat /proc/$$/environ >$OUT"), expected);
	unsetenv("EBB_TEST_LEAK");
	end();
}

TEST(a_child_gets_no_descriptor_but_the_first_three)
{
	begin();
	int leak = open("/dev/null", O_RDONLY), far = fcntl(leak, F_DUPFD, 500);
	CHECK(leak >= 0 && far >= 500);
	/* 3 is the folder that ls reads. */
	CHECK_STR(run("ls /proc/self/fd >$OUT"), "0\n1\n2\n3\n");
	CHECK_STR(run("readlink /proc/$$/fd/0 >$OUT"), "/dev/null\n");
	close(leak);
	close(far);
	end();
}

static void no_signal(void *arg, int signal)
{
	(void)arg;
	(void)signal;
}

TEST(a_child_has_no_signal_blocked_or_ignored)
{
	struct signals *signals;
	uintmax_t blocked, ignored;
	begin();
	CHECK_EQ(signals_open(loop(), no_signal, NULL, &signals, NULL), 0);
	const char *text = run("grep -E 'Sig(Blk|Ign)' /proc/self/status >$OUT");
	CHECK_EQ(sscanf(text, "SigBlk: %jx SigIgn: %jx", &blocked, &ignored), 2);
	CHECK_EQ(blocked, 0);
	CHECK_EQ(ignored & 0x7fffffff, 0); /* 32 and 33 are glibc's own */
	signals_close(signals);
	end();
}

TEST(what_cannot_be_started_says_why)
{
	struct why why;
	const char *none[] = {NULL};
	struct proc_spec spec = {.argv = none, .env = none};
	begin();
	struct procs *procs = fixture.scratch.world->procs;
	spec.program = "/no/such/program";
	CHECK_EQ(procs_start(procs, &spec, &fixture.proc, &why), -ENOENT);
	CHECK_STR(why.text, "/no/such/program: cannot be started: No such file or directory");
	spec.program = "/etc/passwd";
	CHECK_EQ(procs_start(procs, &spec, &fixture.proc, &why), -EACCES);
	CHECK_STR(why.text, "/etc/passwd: cannot be started: Permission denied");
	spec.program = "sh";
	CHECK_EQ(procs_start(procs, &spec, &fixture.proc, &why), -EINVAL);
	CHECK_STR(why.text, "sh: not started: the path of a program begins with /");
	spec.program = "/bin/sh";
	void (*before)(int) = signal(SIGCHLD, SIG_IGN);
	CHECK_EQ(procs_start(procs, &spec, &fixture.proc, &why), -ECHILD);
	signal(SIGCHLD, before);
	CHECK_STR(why.text,
		"/bin/sh: not started: SIGCHLD is ignored, nobody would learn how it ends");
	CHECK(!fixture.proc);
	end();
}

static void look_again(struct timer *timer)
{
	if (kill((pid_t)(intptr_t)fixture.status, 0) < 0)
		loop_stop(loop());
	else
		timer_set(loop(), timer, clock_mono_ns(fixture.scratch.world->clock) + NS_PER_MS);
}

TEST(a_closed_handle_lets_its_child_run_and_leaves_no_zombie)
{
	begin();
	start("exit 1");
	fixture.status = proc_pid(fixture.proc);
	proc_close(fixture.proc);
	fixture.proc = NULL;
	fixture.timer.fn = look_again;
	timer_set(loop(), &fixture.timer, 0);
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.exits, 0);
	end();
}

TEST(a_world_closes_while_a_child_goes_on)
{
	begin();
	start("kill -STOP $$");
	pid_t pid = proc_pid(fixture.proc);
	proc_close(fixture.proc);
	fixture.proc = NULL;
	end();
	CHECK_EQ(kill(pid, 0), 0);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

enum { CHILDREN = 50 };

static void count_exit(struct proc *proc, int status)
{
	fixture.exits++;
	fixture.status += WEXITSTATUS(status);
	proc_close(proc);
	if (fixture.exits == CHILDREN)
		loop_stop(loop());
}

TEST(many_children_end_each_with_its_own_status)
{
	begin();
	for (int i = 0; i < CHILDREN; i++) {
		char script[20];
		snprintf(script, sizeof(script), "exit %d", i);
		start(script);
		fixture.proc->on_exit = count_exit;
	}
	fixture.proc = NULL;
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.status, CHILDREN * (CHILDREN - 1) / 2);
	end();
}

TEST_MAIN
