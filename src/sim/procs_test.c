/* SPDX-License-Identifier: Apache-2.0 */
/* Children by script: how long they run, how they end, and who may outlive whom. */
#include "sim/procs.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "os/procs.h"
#include "os/world.h"
#include "sim/sim.h"

struct watched {
	struct sim *sim;
	struct sim_node *node;
	struct proc *proc;
	int exits, status, starts;
	int64_t at_ns;
};

static void on_exit_(struct proc *proc, int status)
{
	struct watched *watched = proc->arg;
	watched->exits++;
	watched->status = status;
	watched->at_ns = sim_now(watched->sim);
}

static void on_start(void *arg, struct sim_node *node, const struct proc_spec *spec)
{
	struct watched *watched = arg;
	CHECK(node == watched->node);
	CHECK_STR(spec->argv[1], "--now");
	watched->starts++;
}

static void make(struct watched *watched, struct sim_program program)
{
	*watched = (struct watched){.sim = sim_new(1)};
	CHECK_EQ(sim_node_new(watched->sim, "a", &watched->node), 0);
	program.program = "/usr/bin/tool";
	program.on_start = on_start;
	program.arg = watched;
	CHECK_EQ(sim_program_add(watched->sim, &program), 0);
}

static int start(struct watched *watched, const char *program)
{
	struct why why;
	const char *const argv[] = {program, "--now", NULL};
	const struct proc_spec spec = {.program = program, .argv = argv};
	struct procs *procs = sim_node_world(watched->node)->procs;
	int err = procs_start(procs, &spec, &watched->proc, &why);
	if (!err) {
		watched->proc->on_exit = on_exit_;
		watched->proc->arg = watched;
	}
	return err;
}

TEST(a_child_runs_its_time_and_ends_with_its_code)
{
	struct watched watched;
	make(&watched,
		(struct sim_program){.runs_ns = NS_PER_SEC, .jitter_ns = NS_PER_SEC, .code = 3});
	CHECK_EQ(start(&watched, "/usr/bin/other"), -ENOENT);
	CHECK_EQ(start(&watched, "/usr/bin/tool"), 0);
	CHECK_EQ(watched.starts, 1);
	CHECK(proc_pid(watched.proc) > 0);
	sim_run(watched.sim, NS_PER_MIN);
	CHECK_EQ(watched.exits, 1);
	CHECK(WIFEXITED(watched.status) && WEXITSTATUS(watched.status) == 3);
	CHECK(watched.at_ns >= NS_PER_SEC && watched.at_ns <= 2 * NS_PER_SEC);
	CHECK_EQ(proc_signal(watched.proc, SIGTERM), -ESRCH);
	proc_close(watched.proc);
	sim_free(watched.sim);
}

TEST(a_child_moves_bytes_as_time_goes_by)
{
	struct watched watched;
	struct proc_use use;
	make(&watched, (struct sim_program){.runs_ns = NS_PER_MIN, .bytes_per_second = 1000});
	CHECK_EQ(start(&watched, "/usr/bin/tool"), 0);
	sim_run(watched.sim, 10 * NS_PER_SEC);
	CHECK_EQ(proc_use(watched.proc, &use), 0);
	CHECK_EQ(use.read_bytes, 10000);
	CHECK_EQ(use.asked_bytes, 10000);
	sim_run(watched.sim, NS_PER_MIN);
	CHECK_EQ(proc_use(watched.proc, &use), -ESRCH);
	proc_close(watched.proc);
	sim_free(watched.sim);
}

TEST(a_signal_ends_it_soon_and_a_stubborn_one_only_by_kill)
{
	struct watched watched;
	make(&watched, (struct sim_program){.runs_ns = -1});
	CHECK_EQ(start(&watched, "/usr/bin/tool"), 0);
	sim_run(watched.sim, NS_PER_DAY);
	CHECK_EQ(watched.exits, 0);
	CHECK_EQ(proc_signal(watched.proc, 0), 0);
	CHECK_EQ(proc_signal(watched.proc, SIGTERM), 0);
	sim_run(watched.sim, NS_PER_DAY + 2 * NS_PER_SEC);
	CHECK(watched.exits == 1 && WIFSIGNALED(watched.status) &&
		WTERMSIG(watched.status) == SIGTERM);
	sim_free(watched.sim);

	make(&watched, (struct sim_program){.runs_ns = NS_PER_MIN}); /* it ends once */
	CHECK_EQ(start(&watched, "/usr/bin/tool"), 0);
	CHECK_EQ(proc_signal(watched.proc, SIGTERM), 0);
	sim_run(watched.sim, NS_PER_HOUR);
	CHECK(watched.exits == 1 && WIFSIGNALED(watched.status));
	sim_free(watched.sim);

	make(&watched, (struct sim_program){.runs_ns = -1, .stubborn = true});
	CHECK_EQ(start(&watched, "/usr/bin/tool"), 0);
	CHECK_EQ(proc_signal(watched.proc, SIGTERM), 0);
	sim_run(watched.sim, NS_PER_HOUR);
	CHECK_EQ(watched.exits, 0);
	CHECK_EQ(proc_signal(watched.proc, SIGKILL), 0);
	sim_run(watched.sim, 2 * NS_PER_HOUR);
	CHECK(watched.exits == 1 && WTERMSIG(watched.status) == SIGKILL);
	sim_free(watched.sim);
}

TEST(a_closed_handle_and_a_dead_node_hear_nothing)
{
	struct watched watched;
	make(&watched, (struct sim_program){.runs_ns = NS_PER_SEC});
	CHECK_EQ(start(&watched, "/usr/bin/tool"), 0);
	proc_close(watched.proc);
	sim_run(watched.sim, NS_PER_MIN);
	CHECK_EQ(start(&watched, "/usr/bin/tool"), 0);
	sim_node_kill(watched.node);
	CHECK_EQ(start(&watched, "/usr/bin/tool"), -ESHUTDOWN);
	sim_run(watched.sim, NS_PER_HOUR);
	CHECK_EQ(watched.exits, 0);
	sim_free(watched.sim);
}

TEST_MAIN
