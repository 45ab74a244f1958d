/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs: the kernel's texts, good and bad; trees of control groups as each version has them; and
 * this machine's own processes and groups.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/str.h"
#include "base/test.h"
#include "base/units.h"
#include "os/clock.h"
#include "os/linux/host.h"
#include "os/linux/programs_parse.h"
#include "os/linux/scratch_test.h"

/* ---- texts ---- */

TEST(a_process_may_have_any_name)
{
	struct process_stat stat;
	CHECK(programs_parse_stat(
		"7 (a) b (c) S 1 7 7 0 -1 4194304 1 2 3 4 150 50 5 6 20 0 1 0 8830 1000 33 18\n",
		&stat));
	CHECK_STR(stat.name, "a) b (c");
	CHECK_EQ(stat.cpu_ticks, 200);
	CHECK_EQ(stat.start_ticks, 8830);
	CHECK_EQ(stat.pages, 33);
	CHECK(!programs_parse_stat("7 (a) S 1 7 7 0 -1 4194304 1 2 3 4 150\n", &stat));
	CHECK(!programs_parse_stat("7 a S 1\n", &stat));
	CHECK(!programs_parse_stat(")(", &stat));
}

TEST(bytes_that_were_never_written_do_not_count)
{
	uint64_t read, written;
	CHECK(programs_parse_io("rchar: 6976\nread_bytes: 4096\nwrite_bytes: 8192\n"
				"cancelled_write_bytes: 4096\n",
		&read, &written));
	CHECK_EQ(read, 4096);
	CHECK_EQ(written, 4096);
	CHECK(programs_parse_io(
		"read_bytes: 1\nwrite_bytes: 8\ncancelled_write_bytes: 9\n", &read, &written));
	CHECK_EQ(written, 0);
	CHECK(!programs_parse_io("read_bytes: 1\n", &read, &written));
}

static bool is_stacked(void *arg, unsigned major, unsigned minor)
{
	(void)arg;
	return major == 253 && minor == 0;
}

TEST(bytes_of_stacked_devices_count_once)
{
	uint64_t read, written;
	CHECK(programs_parse_io_stat("8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=5 dios=1\n"
				     "253:0 rbytes=10 wbytes=20 rios=1 wios=2\n8:16 \n"
				     "259:0 rbytes=1 wbytes=2\n",
		is_stacked, NULL, &read, &written));
	CHECK_EQ(read, 11);
	CHECK_EQ(written, 22);
	CHECK(programs_parse_io_stat("", is_stacked, NULL, &read, &written));
	CHECK_EQ(read, 0);
	CHECK(!programs_parse_io_stat("8:0 rbytes=-1\n", is_stacked, NULL, &read, &written));
	CHECK(!programs_parse_io_stat("sda rbytes=1\n", is_stacked, NULL, &read, &written));
	CHECK(programs_parse_blkio("8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\n"
				   "253:0 Read 10\nTotal 30\n",
		is_stacked, NULL, &read, &written));
	CHECK_EQ(read, 10);
	CHECK_EQ(written, 20);
	CHECK(!programs_parse_blkio("8:0 Read much\n", is_stacked, NULL, &read, &written));
}

TEST(each_controller_is_found_in_its_tree)
{
	struct cgroup_mounts mounts;
	programs_parse_mounts("1 2 0:5 / /proc rw - proc proc rw\n"
			      "3 2 0:6 / /cg/unified rw shared:1 - cgroup2 cgroup2 rw\n"
			      "4 2 0:7 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
			      "5 2 0:8 / /cg/memory rw,nosuid - cgroup none rw,memory\n"
			      "6 2 0:9 / /other rw - cgroup none rw,memory\nnonsense\n",
		&mounts);
	CHECK_STR(mounts.unified, "/cg/unified");
	CHECK_STR(mounts.cpu, "/cg/cpu");
	CHECK_STR(mounts.memory, "/cg/memory");
	CHECK_STR(mounts.io, "");
}

/* ---- looks ---- */

enum { SEEN_MAX = 64 };

struct seen {
	struct host_program at[SEEN_MAX];
	size_t count;
	struct host_look look;
};

static void see(void *arg, const struct host_program *program)
{
	struct seen *seen = arg;
	must(seen->count < SEEN_MAX);
	seen->at[seen->count++] = *program;
}

static void look(struct host *host, const char *words, struct seen *seen)
{
	struct wanted wanted;
	size_t at;
	CHECK_EQ(wanted_parse(words, &wanted, &at, NULL), 0);
	seen->count = 0;
	CHECK_EQ(host_programs(host, &wanted, see, seen, &seen->look), 0);
	CHECK_EQ(seen->look.told, seen->count);
}

static const struct host_program *seen_as(const struct seen *seen, const char *name)
{
	for (size_t i = 0; i < seen->count; i++)
		if (strcmp(seen->at[i].name, name) == 0)
			return &seen->at[i];
	return NULL;
}

/* ---- made trees ---- */

struct trees {
	struct scratch scratch;
	struct linux_host host;
	char proc[128];
};

static void put_file(struct trees *trees, const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", trees->scratch.dir, name);
	for (char *c = strchr(path + 1, '/'); c; c = strchr(c + 1, '/')) {
		*c = '\0';
		must(mkdir(path, 0755) == 0 || errno == EEXIST);
		*c = '/';
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void trees_open(struct trees *trees)
{
	scratch_open(&trees->scratch, NULL);
	linux_host_init(&trees->host, trees->scratch.world->clock);
	snprintf(trees->proc, sizeof(trees->proc), "%s/proc", trees->scratch.dir);
	trees->host.proc = trees->proc;
}

static void trees_close(struct trees *trees)
{
	linux_host_done(&trees->host);
	scratch_close(&trees->scratch);
}

static void put_mounts(struct trees *trees, const char *kinds)
{
	OWN(str_done) struct str text = {0};
	const char *dir = trees->scratch.dir;
	if (strchr(kinds, '2'))
		str_addf(&text, "3 2 0:6 / %s/v2 rw - cgroup2 cgroup2 rw\n", dir);
	if (strchr(kinds, 'c'))
		str_addf(&text, "4 2 0:7 / %s/cpu rw - cgroup cgroup rw,cpu,cpuacct\n", dir);
	if (strchr(kinds, 'm'))
		str_addf(&text, "5 2 0:8 / %s/memory rw - cgroup cgroup rw,memory\n", dir);
	if (strchr(kinds, 'i'))
		str_addf(&text, "6 2 0:9 / %s/blkio rw - cgroup cgroup rw,blkio\n", dir);
	put_file(trees, "proc/self/mountinfo", str_text(&text));
}

TEST(units_of_the_unified_tree_are_told_whole)
{
	struct trees trees;
	struct seen seen;
	trees_open(&trees);
	put_mounts(&trees, "2");
	const char *folder = "v2/system.slice/nginx.service";
	char name[128];
	static const char *const files[][2] = {
		{"cpu.stat", "usage_usec 1500\nuser_usec 1000\n"},
		{"memory.current", "1000000\n"},
		{"memory.stat", "anon 5\ninactive_file 400000\n"},
		{"io.stat", "8:0 rbytes=10 wbytes=20 rios=1 wios=2\n"},
		{"cgroup.procs", "\n"},
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(name, sizeof(name), "%s/%s", folder, files[i][0]);
		put_file(&trees, name, files[i][1]);
	}
	put_file(&trees, "v2/system.slice/nginx.service/inner/cpu.stat", "usage_usec 7\n");
	put_file(&trees, "v2/user.slice/a.service/cpu.stat", "usage_usec much\n");
	put_file(&trees, "v2/docker/x/cpu.stat", "usage_usec 9\n");
	look(&trees.host.base, "unit/*.service cgroup/docker/* cgroup/*inner", &seen);
	CHECK_EQ(seen.count, 2);
	CHECK_EQ(seen.look.strange, 1);
	const struct host_program *nginx = seen_as(&seen, "nginx.service");
	CHECK(nginx && nginx->kind == HOST_UNIT && nginx->life);
	CHECK_EQ(nginx->has, HOST_HAS_CPU | HOST_HAS_MEMORY | HOST_HAS_IO);
	CHECK_EQ(nginx->cpu_ns, 1500 * NS_PER_US);
	CHECK_EQ(nginx->memory_bytes, 600000);
	CHECK_EQ(nginx->read_bytes, 10);
	CHECK_EQ(nginx->write_bytes, 20);
	const struct host_program *docker = seen_as(&seen, "docker/x");
	CHECK(docker && docker->kind == HOST_CGROUP && docker->has == HOST_HAS_CPU);
	trees_close(&trees);
}

TEST(each_number_comes_from_the_tree_that_has_its_controller)
{
	struct trees trees;
	struct seen seen;
	trees_open(&trees);
	put_mounts(&trees, "2cm");
	put_file(&trees, "cpu/system.slice/db.service/cpuacct.usage", "77\n");
	put_file(&trees, "memory/system.slice/db.service/memory.usage_in_bytes", "900\n");
	put_file(&trees, "memory/system.slice/db.service/memory.stat",
		"inactive_file 1\ntotal_inactive_file 100\n");
	put_file(&trees, "v2/system.slice/db.service/io.stat", "8:0 rbytes=1 wbytes=2\n");
	put_file(&trees, "v2/system.slice/db.service/memory.current", "5\n");
	look(&trees.host.base, "unit/db.service", &seen);
	CHECK_EQ(seen.count, 1);
	CHECK_EQ(seen.at[0].cpu_ns, 77);
	CHECK_EQ(seen.at[0].memory_bytes, 800);
	CHECK_EQ(seen.at[0].write_bytes, 2);
	put_mounts(&trees, "cmi");
	put_file(&trees, "blkio/system.slice/db.service/blkio.throttle.io_service_bytes_recursive",
		"8:0 Read 30\n8:0 Write 40\nTotal 70\n");
	look(&trees.host.base, "unit/db.service", &seen);
	CHECK_EQ(seen.count, 1);
	CHECK_EQ(seen.at[0].read_bytes, 30);
	trees_close(&trees);
}

TEST(a_tree_without_end_is_left_out_and_counted)
{
	struct trees trees;
	struct seen seen;
	char path[400] = "v2";
	trees_open(&trees);
	put_mounts(&trees, "2");
	for (int i = 0; i < 20; i++)
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/d");
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "/a.service/cpu.stat");
	put_file(&trees, path, "usage_usec 1\n");
	look(&trees.host.base, "unit/*", &seen);
	CHECK_EQ(seen.count, 0);
	CHECK_EQ(seen.look.left_out, 1);
	trees_close(&trees);
}

/* ---- this machine ---- */

/* A process that uses CPU until it is told to end, by a name of its own. */
static pid_t start_worker(const char *name)
{
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		volatile uint64_t count = 0;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		for (;;)
			count = count + 1;
	}
	return pid;
}

static void end_worker(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST(real_processes_are_met_by_name_and_by_number)
{
	struct scratch scratch;
	struct seen seen;
	char words[64];
	scratch_open(&scratch, NULL);
	pid_t a = start_worker("ebb-test) (w"), b = start_worker("ebb-test) (w");
	snprintf(words, sizeof(words), "name/ebb-test* pid/%d", a);
	uint64_t used = 0;
	do {
		look(scratch.world->host, words, &seen);
		used = seen.count == 3 ? seen.at[0].cpu_ns : 0;
	} while (used < 30 * NS_PER_MS);
	CHECK_EQ(seen.at[0].kind, HOST_PID);
	CHECK_EQ(seen.at[0].pid, a);
	CHECK_EQ(seen.at[1].pid, a);
	CHECK_EQ(seen.at[2].pid, b);
	CHECK_STR(seen.at[2].name, "ebb-test) (w");
	CHECK(seen.at[1].life && seen.at[1].life <= seen.at[2].life);
	CHECK(seen.at[1].age_ns >= 0 && seen.at[1].age_ns < NS_PER_HOUR);
	CHECK(seen.at[1].memory_bytes > 0);
	end_worker(a);
	end_worker(b);
	look(scratch.world->host, words, &seen);
	CHECK_EQ(seen.count, 0);
	scratch_close(&scratch);
}

/* A group of version 1 or 2 on this machine with a real process in it; false: not here. */
static bool make_group(const char *mount, const char *name, pid_t pid, char path[300])
{
	char file[320], text[16];
	snprintf(path, 300, "%s/%s", mount, name);
	if (!mount[0] || (mkdir(path, 0755) != 0 && errno != EEXIST))
		return false;
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	int fd = open(file, O_WRONLY);
	int len = snprintf(text, sizeof(text), "%d", pid);
	bool ok = fd >= 0 && write(fd, text, (size_t)len) == len;
	if (fd >= 0)
		close(fd);
	if (!ok)
		rmdir(path);
	return ok;
}

TEST(a_real_control_group_is_told)
{
	struct scratch scratch;
	struct seen seen = {0};
	static struct cgroup_mounts mounts;
	static char text[65536];
	char paths[3][300] = {"", "", ""}, name[64];
	scratch_open(&scratch, NULL);
	int fd = open("/proc/self/mountinfo", O_RDONLY);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
	must(len >= 0);
	close(fd);
	programs_parse_mounts(text, &mounts);
	pid_t pid = start_worker("ebb-group");
	snprintf(name, sizeof(name), "ebb-test-%d.service", pid);
	bool made = make_group(mounts.cpu[0] ? mounts.cpu : mounts.unified, name, pid, paths[0]);
	if (made && mounts.memory[0])
		make_group(mounts.memory, name, pid, paths[1]);
	while (made && (!seen.count || seen.at[0].cpu_ns < 20 * NS_PER_MS))
		look(scratch.world->host, "unit/ebb-test-*.service", &seen);
	end_worker(pid);
	for (int i = 0; i < 3; i++)
		if (paths[i][0])
			rmdir(paths[i]);
	if (made) {
		CHECK_EQ(seen.count, 1);
		CHECK_STR(seen.at[0].name, name);
		CHECK(seen.at[0].has & HOST_HAS_CPU);
		CHECK(!paths[1][0] || seen.at[0].has & HOST_HAS_MEMORY);
	}
	test_note("%s", made ? "a group was made" : "groups cannot be made here");
	scratch_close(&scratch);
}

TEST_MAIN
