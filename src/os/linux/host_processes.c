/* SPDX-License-Identifier: Apache-2.0 */
/* Processes by number and by name: stat and io of each, out of /proc. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/container.h"
#include "base/own.h"
#include "base/units.h"
#include "os/clock.h"
#include "os/linux/fd.h"
#include "os/linux/host.h"
#include "os/linux/host_programs.h"

int look_read(struct look *look, int folder_fd, const char *name)
{
	OWN(fd_close) int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t used = 0;
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got = read(fd, look->text + used, LOOK_TEXT - 1 - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		used += (size_t)got;
		if (got == 0)
			break;
		look->text[used] = '\0';
		if (used == LOOK_TEXT - 1)
			return -EFBIG;
	}
	look->text[used] = '\0';
	return (int)used;
}

void look_tell(struct look *look, const struct host_program *program)
{
	look->facts.told++;
	look->fn(look->arg, program);
}

/* What made no sense is counted; what could not be read belongs to one that has ended. */
static bool sense(struct look *look, bool ok)
{
	look->facts.strange += !ok;
	return ok;
}

static uint64_t net_of(int proc_fd, const char *process)
{
	char path[64];
	struct stat about;
	snprintf(path, sizeof(path), "%s/ns/net", process);
	return fstatat(proc_fd, path, &about, 0) == 0 ? about.st_ino : 0;
}

void look_net(struct look *look, uint32_t pid, struct host_program *program)
{
	char path[64];
	snprintf(path, sizeof(path), "%u", pid);
	uint64_t net = net_of(look->proc_fd, path);
	OWN(own_free) struct host_reading *links = calloc(1, sizeof(*links));
	if (!links || !net || !look->own_net || net == look->own_net)
		return;
	snprintf(path, sizeof(path), "%u/net/dev", pid);
	if (look_read(look, look->proc_fd, path) < 0 ||
		!sense(look, host_parse_net_dev(look->text, links, NULL) == 0))
		return;
	for (size_t i = 0; i < links->nic_count; i++) {
		program->rx_bytes += links->nics[i].rx_bytes;
		program->tx_bytes += links->nics[i].tx_bytes;
	}
	program->has |= HOST_HAS_NET;
}

/* Fills it from /proc/PID/stat; false: it has ended, or makes no sense. */
static bool read_stat(struct look *look, uint32_t pid, struct host_program *program)
{
	char path[64];
	struct process_stat stat;
	uint64_t start_ns;
	const struct linux_host *host = look->host;
	snprintf(path, sizeof(path), "%u/stat", pid);
	if (look_read(look, look->proc_fd, path) < 0)
		return false;
	bool ok = programs_parse_stat(look->text, &stat) &&
		mul_fits(stat.cpu_ticks, NS_PER_SEC / host->hz, &program->cpu_ns) &&
		mul_fits(stat.start_ticks, NS_PER_SEC / host->hz, &start_ns) &&
		mul_fits(stat.pages, host->page, &program->memory_bytes);
	if (!sense(look, ok))
		return false;
	snprintf(program->name, sizeof(program->name), "%s", stat.name);
	program->pid = pid;
	program->life = stat.start_ticks;
	program->age_ns = look->uptime_ns < 0 || start_ns > INT64_MAX ? -1
		: look->uptime_ns < (int64_t)start_ns                 ? 0
						      : look->uptime_ns - (int64_t)start_ns;
	program->has = HOST_HAS_CPU | HOST_HAS_MEMORY;
	return true;
}

/* Others' may be read with CAP_SYS_PTRACE only: without it, I/O is not told. */
static void read_io(struct look *look, uint32_t pid, struct host_program *program)
{
	char path[64];
	snprintf(path, sizeof(path), "%u/io", pid);
	if (look_read(look, look->proc_fd, path) >= 0 &&
		sense(look,
			programs_parse_io(look->text, &program->read_bytes, &program->write_bytes)))
		program->has |= HOST_HAS_IO;
}

static void named_process(struct look *look, uint32_t pid)
{
	struct host_program program = {.kind = HOST_NAMED};
	if (!read_stat(look, pid, &program) ||
		!wanted_match(look->wanted, HOST_NAMED, program.name))
		return;
	read_io(look, pid, &program);
	look_tell(look, &program);
}

static void numbered_processes(struct look *look)
{
	for (size_t i = 0; i < look->wanted->count; i++) {
		struct host_program program = {.kind = HOST_PID};
		uint32_t pid = look->wanted->at[i].pid;
		if (look->wanted->at[i].kind != HOST_PID || !read_stat(look, pid, &program))
			continue;
		read_io(look, pid, &program);
		look_net(look, pid, &program);
		look_tell(look, &program);
	}
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void named_processes(struct look *look)
{
	int fd = openat(look->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	OWN(close_dir) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	uint32_t visited = 0;
	const struct dirent *entry;
	while (dir && (entry = readdir(dir)) != NULL) {
		char *end;
		unsigned long pid = strtoul(entry->d_name, &end, 10);
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || *end || pid > UINT32_MAX)
			continue;
		if (visited++ < LOOK_PROCESSES)
			named_process(look, (uint32_t)pid);
		else
			look->facts.left_out++;
	}
}

void look_processes(struct look *look)
{
	numbered_processes(look);
	if (wanted_any(look->wanted, HOST_NAMED))
		named_processes(look);
}

/* "123.45 ..." seconds, with the time that the machine slept, as starts of processes count it. */
static int64_t read_uptime(struct look *look)
{
	uint64_t seconds;
	if (look_read(look, look->proc_fd, "uptime") < 0)
		return -1;
	char *dot = strchr(look->text, '.');
	int64_t hundredths = dot ? strtol(dot + 1, NULL, 10) : 0;
	if (dot)
		*dot = '\0';
	if (!programs_parse_number(look->text, &seconds) || seconds > INT64_MAX / NS_PER_SEC / 2)
		return -1;
	return (int64_t)seconds * NS_PER_SEC + hundredths * (NS_PER_SEC / 100);
}

int linux_host_programs(struct host *base, const struct wanted *wanted, host_program_fn *fn,
	void *arg, struct host_look *ret_look)
{
	const struct linux_host *host = container_of(base, struct linux_host, base);
	OWN(own_free) struct look *look = calloc(1, sizeof(*look));
	if (!look)
		return -ENOMEM;
	OWN(fd_close) int proc_fd = open(host->proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return -EIO;
	look->host = host;
	look->wanted = wanted;
	look->fn = fn;
	look->arg = arg;
	look->proc_fd = proc_fd;
	look->facts.mono_ns = clock_mono_ns(host->clock);
	look->own_net = net_of(proc_fd, "self");
	look->uptime_ns = read_uptime(look);
	if (wanted_any(wanted, HOST_UNIT) || wanted_any(wanted, HOST_CGROUP))
		look_groups(look);
	look_processes(look);
	*ret_look = look->facts;
	return 0;
}
