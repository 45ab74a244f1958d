/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that come, go, lie and multiply: what is kept only grows, and is bounded. */
#include "watch/programs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/test.h"
#include "base/units.h"
#include "os/clock.h"
#include "os/host.h"
#include "os/world.h"
#include "series/name.h"
#include "series/series.h"
#include "sim/sim.h"
#include "watch/watch.h"

#define TURN_NS (10 * NS_PER_SEC)

struct machine {
	struct sim *sim;
	struct sim_node *node;
	struct series *series;
	struct watch watch;
	struct watch_programs *programs;
	int64_t now_ns;
	unsigned cpus;
};

static void machine_init(struct machine *machine, uint32_t max)
{
	*machine = (struct machine){.sim = sim_new(1), .now_ns = NS_PER_HOUR, .cpus = 4};
	CHECK(machine->sim);
	CHECK_EQ(sim_node_new(machine->sim, "a", &machine->node), 0);
	const struct series_options options = {.world = sim_node_world(machine->node),
		.folder = "series",
		.identity = "watched",
		.create = true};
	CHECK_EQ(series_open(&options, &machine->series, NULL), 0);
	machine->programs = watch_programs_new(max);
	CHECK(machine->programs);
}

static void machine_done(struct machine *machine)
{
	watch_programs_free(machine->programs);
	series_close(machine->series);
	sim_free(machine->sim);
}

static void begin(struct machine *machine)
{
	machine->now_ns += TURN_NS;
	sim_run(machine->sim, machine->now_ns);
	CHECK_EQ(series_sync(machine->series, NULL), 0);
	watch_begin(&machine->watch, machine->series,
		clock_wall_ns(sim_node_world(machine->node)->clock) / NS_PER_MS);
	watch_programs_begin(machine->programs, machine->now_ns, machine->cpus);
}

static struct watch_programs_facts end(struct machine *machine)
{
	const struct host_look look = {0};
	watch_programs_end(machine->programs, &look, &machine->watch);
	return watch_programs_facts(machine->programs);
}

static struct host_program unit(const char *name, uint64_t life, uint64_t cpu_ns)
{
	struct host_program program = {.kind = HOST_UNIT,
		.life = life,
		.age_ns = -1,
		.has = HOST_HAS_CPU | HOST_HAS_IO,
		.cpu_ns = cpu_ns};
	snprintf(program.name, sizeof(program.name), "%s", name);
	return program;
}

static struct host_program process(uint32_t pid, uint64_t life, int64_t age_ns, uint64_t cpu_ns)
{
	struct host_program program = unit("worker", life, cpu_ns);
	program.kind = HOST_NAMED;
	program.pid = pid;
	program.age_ns = age_ns;
	return program;
}

static void see(struct machine *machine, struct host_program program)
{
	watch_programs_see(machine->programs, &program);
}

/* The newest value of a series; NaN: there is none. */
static double newest(struct machine *machine, const char *text)
{
	struct name name;
	struct series_one one;
	uint32_t id;
	CHECK_EQ(name_parse(text, &name, NULL), 0);
	return series_find(machine->series, &name, &id) == 0 &&
			series_one(machine->series, id, &one)
		? one.last_value
		: (double)NAN;
}

#define CPU_OF(name) "ebb_program_cpu_seconds_total{program=\"" name "\"}"

static void check_cpu(struct machine *machine, const char *text, double want)
{
	double have = newest(machine, text);
	if (!(fabs(have - want) < 1e-6))
		test_fail(__FILE__, __LINE__, "%s is %g, wanted %g", text, have, want);
}

TEST(a_unit_goes_on_over_its_restarts)
{
	struct machine machine;
	machine_init(&machine, 8);
	begin(&machine);
	see(&machine, unit("a.service", 1, 100 * NS_PER_SEC));
	end(&machine);
	check_cpu(&machine, CPU_OF("unit/a.service"), 100);
	begin(&machine);
	see(&machine, unit("a.service", 1, 103 * NS_PER_SEC));
	end(&machine);
	check_cpu(&machine, CPU_OF("unit/a.service"), 103);
	begin(&machine);
	end(&machine); /* stopped */
	begin(&machine);
	see(&machine, unit("a.service", 2, 5 * NS_PER_SEC));
	struct watch_programs_facts facts = end(&machine);
	check_cpu(&machine, CPU_OF("unit/a.service"), 108);
	CHECK_EQ(facts.resets + facts.poisoned, 0);
	CHECK_EQ(facts.kept, 1);
	CHECK_EQ(series_facts(machine.series).resets, 0);
	machine_done(&machine);
}

TEST(processes_of_one_name_are_one_program)
{
	struct machine machine;
	machine_init(&machine, 8);
	begin(&machine);
	see(&machine, process(10, 1, NS_PER_HOUR, 50 * NS_PER_SEC));
	see(&machine, process(11, 2, NS_PER_HOUR, 20 * NS_PER_SEC));
	end(&machine);
	check_cpu(&machine, CPU_OF("name/worker"), 70);
	begin(&machine); /* 11 has ended, 12 was born, 13 only now is called so */
	see(&machine, process(10, 1, NS_PER_HOUR, 52 * NS_PER_SEC));
	see(&machine, process(12, 3, 4 * NS_PER_SEC, 3 * NS_PER_SEC));
	see(&machine, process(13, 4, NS_PER_HOUR, 500 * NS_PER_SEC));
	end(&machine);
	check_cpu(&machine, CPU_OF("name/worker"), 75);
	begin(&machine); /* the number 10 is another one's, 13 goes on */
	see(&machine, process(10, 9, NS_PER_SEC, NS_PER_SEC));
	see(&machine, process(13, 4, NS_PER_HOUR, 502 * NS_PER_SEC));
	end(&machine);
	check_cpu(&machine, CPU_OF("name/worker"), 78);
	machine_done(&machine);
}

TEST(poison_is_counted_and_kept_out)
{
	struct machine machine;
	machine_init(&machine, 8);
	struct host_program bad = unit("a.service", 1, 10 * NS_PER_SEC);
	begin(&machine);
	see(&machine, bad);
	end(&machine);
	begin(&machine); /* down within one life: that much is lost, and it goes on from there */
	see(&machine, unit("a.service", 1, 2 * NS_PER_SEC));
	CHECK_EQ(end(&machine).resets, 1);
	check_cpu(&machine, CPU_OF("unit/a.service"), 10);
	begin(&machine);
	see(&machine, unit("a.service", 1, 3 * NS_PER_SEC));
	end(&machine);
	check_cpu(&machine, CPU_OF("unit/a.service"), 11);
	begin(&machine); /* more than four CPUs could have used */
	see(&machine, unit("a.service", 1, 3000 * NS_PER_SEC));
	CHECK_EQ(end(&machine).poisoned, 1);
	begin(&machine);
	bad = unit("a.service", 1, 3001 * NS_PER_SEC);
	bad.write_bytes = UINT64_MAX - 5;
	bad.memory_bytes = UINT64_MAX;
	bad.has |= HOST_HAS_MEMORY;
	see(&machine, bad);
	CHECK_EQ(end(&machine).poisoned, 3);
	check_cpu(&machine, CPU_OF("unit/a.service"), 12);
	CHECK(isnan(newest(&machine, "ebb_program_memory_bytes{program=\"unit/a.service\"}")));
	/* A look that lies before the one before is none. */
	machine.now_ns -= 2 * TURN_NS;
	watch_programs_begin(machine.programs, machine.now_ns, 4);
	see(&machine, unit("a.service", 1, 4000 * NS_PER_SEC));
	CHECK_EQ(end(&machine).poisoned, 4);
	check_cpu(&machine, CPU_OF("unit/a.service"), 12);
	machine_done(&machine);
}

TEST(those_that_use_most_are_kept_and_others_wait)
{
	struct machine machine;
	machine_init(&machine, 3);
	uint64_t cpu_s[6] = {0};
	static const uint64_t rate[6] = {1, 2, 3, 4, 5, 0};
	for (int turn = 0; turn < 9 * 360; turn++) {
		begin(&machine);
		for (int i = 0; i < 6; i++) {
			char name[32];
			/* The last one wakes after an hour, and is the busiest then. */
			cpu_s[i] += i == 5 && turn > 360 ? 10 : rate[i];
			snprintf(name, sizeof(name), "u%d.service", i);
			see(&machine, unit(name, (uint64_t)i + 1, cpu_s[i] * NS_PER_SEC));
		}
		CHECK_EQ(end(&machine).kept, turn ? 3 : 0);
	}
	CHECK_EQ((uint64_t)newest(&machine, CPU_OF("unit/u5.service")), cpu_s[5]);
	CHECK_EQ((uint64_t)newest(&machine, CPU_OF("unit/u4.service")), cpu_s[4]);
	/* Among equals nobody is put out: there are not many more series than programs kept. */
	CHECK(series_facts(machine.series).series <= 2 + 3 * 6);
	machine_done(&machine);
}

/* A million programs, each with a name of its own and gone at the next look. */
TEST(new_names_fill_no_store)
{
	struct machine machine;
	struct watch_programs_facts facts = {0};
	uint64_t left_out = 0;
	machine_init(&machine, 64);
	for (uint32_t turn = 0; turn < 250; turn++) {
		begin(&machine);
		see(&machine, unit("steady.service", 1, turn * NS_PER_SEC));
		for (uint32_t i = 0; i < 4000; i++) {
			char name[32];
			snprintf(name, sizeof(name), "run-%u.service", turn * 4000 + i);
			see(&machine, unit(name, i + 2, NS_PER_MS));
		}
		facts = end(&machine);
		left_out += facts.left_out;
		CHECK(facts.known <= WATCH_PROGRAMS_KNOWN && facts.kept <= 64);
	}
	CHECK(left_out > 900000);
	/* Of a day's allowance the part of 40 minutes, besides what is had at the start. */
	CHECK(series_facts(machine.series).series <= 2 + 3 * (2 * 64 + 3));
	CHECK_EQ((uint64_t)newest(&machine, CPU_OF("unit/steady.service")), 249);
	machine_done(&machine);
}

TEST(whatever_is_told_what_is_kept_only_grows)
{
	struct machine machine;
	struct rng rng;
	rng_seed(&rng, test_seed());
	machine_init(&machine, 4);
	for (int turn = 0; turn < 300; turn++) {
		begin(&machine);
		for (uint32_t i = 0; i < 8; i++) {
			if (rng_below(&rng, 4) == 0)
				continue;
			struct host_program program = process(i, rng_below(&rng, 3),
				(int64_t)rng_u64(&rng), rng_u64(&rng) >> rng_below(&rng, 60));
			program.name[0] = (char)('a' + rng_below(&rng, 6));
			program.write_bytes = rng_u64(&rng) >> rng_below(&rng, 60);
			program.memory_bytes = rng_u64(&rng);
			program.has = (unsigned)rng_below(&rng, 16);
			see(&machine, program);
		}
		CHECK(end(&machine).kept <= 4);
		if (rng_below(&rng, 20) == 0)
			watch_programs_max(machine.programs, (uint32_t)rng_below(&rng, 5));
		else
			watch_programs_max(machine.programs, 4);
	}
	CHECK_EQ(series_facts(machine.series).resets, 0);
	CHECK_EQ(machine.watch.refused, 0);
	machine_done(&machine);
}

/* The simulated machine feeds the same code. */
TEST(a_simulated_hour_of_programs)
{
	struct machine machine;
	struct wanted wanted;
	struct host_look look;
	size_t at;
	machine_init(&machine, 8);
	CHECK_EQ(wanted_parse("unit/app*.service", &wanted, &at, NULL), 0);
	for (int turn = 0; turn < 360; turn++) {
		begin(&machine);
		CHECK_EQ(host_programs(sim_node_world(machine.node)->host, &wanted,
				 watch_programs_see, machine.programs, &look),
			0);
		CHECK_EQ(look.told, 3);
		end(&machine);
	}
	CHECK(newest(&machine, CPU_OF("unit/app2.service")) > 60);
	CHECK(newest(&machine, "ebb_program_memory_bytes{program=\"unit/app0.service\"}") > 1e9);
	CHECK_EQ(watch_programs_facts(machine.programs).poisoned, 0);
	machine_done(&machine);
}

TEST_MAIN
