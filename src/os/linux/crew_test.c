/* SPDX-License-Identifier: Apache-2.0 */
/* The crew: every task comes back once, done, and more run at once than one. */
#include "os/linux/crew.h"

#include <stdatomic.h>

#include "base/container.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "os/loop.h"

struct sum {
	struct task task;
	uint64_t from, result;
	unsigned taken;
};

static void add_up(struct task *task)
{
	struct sum *sum = container_of(task, struct sum, task);
	struct rng rng;
	rng_seed(&rng, sum->from);
	for (uint64_t i = rng_below(&rng, 2000); i; i--)
		sum->result += rng_u64(&rng) >> 32;
	sum->result |= 1;
}

TEST(every_task_comes_back_once)
{
	enum { TASKS = 5000 };
	static struct sum sums[TASKS];
	struct linux_crew *lc;
	struct why why;
	size_t given = 0, taken = 0;
	CHECK_EQ(linux_crew_open(4, &lc, &why), 0);
	struct crew *crew = linux_crew(lc);
	CHECK_EQ(crew_hands(crew), 4);
	while (taken < TASKS) {
		if (given < TASKS && given - taken < CREW_GIVEN_MAX) {
			sums[given] = (struct sum){{add_up, NULL}, given, 0, 0};
			crew_give(crew, &sums[given++].task);
			continue;
		}
		struct sum *sum = container_of(crew_take(crew), struct sum, task);
		CHECK(sum->result);
		CHECK_EQ(sum->taken++, 0);
		taken++;
	}
	linux_crew_close(lc);
}

struct meeting {
	struct task task;
	_Atomic unsigned *arrived;
};

static void meet(struct task *task)
{
	struct meeting *meeting = container_of(task, struct meeting, task);
	atomic_fetch_add(meeting->arrived, 1);
	while (atomic_load(meeting->arrived) < 2)
		;
}

/* Two tasks that wait for each other end only when both run at once. */
TEST(two_run_at_once)
{
	_Atomic unsigned arrived = 0;
	struct meeting a = {{meet, NULL}, &arrived}, b = {{meet, NULL}, &arrived};
	struct linux_crew *lc;
	struct why why;
	CHECK_EQ(linux_crew_open(2, &lc, &why), 0);
	crew_give(linux_crew(lc), &a.task);
	crew_give(linux_crew(lc), &b.task);
	crew_take(linux_crew(lc));
	crew_take(linux_crew(lc));
	CHECK_EQ(arrived, 2);
	linux_crew_close(lc);
}

TEST(as_many_hands_as_processors)
{
	struct linux_crew *lc;
	struct why why;
	CHECK_EQ(linux_crew_open(0, &lc, &why), 0);
	CHECK(crew_hands(linux_crew(lc)) >= 1);
	linux_crew_close(lc);
}

TEST_MAIN
