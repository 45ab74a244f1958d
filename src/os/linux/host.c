/* SPDX-License-Identifier: Apache-2.0 */
/* Seven small files of /proc, and /sys/block for what is a whole disk. */
#include "os/linux/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/container.h"
#include "base/own.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/linux/fd.h"
#include "os/linux/host_programs.h"
#include "os/linux/textfile.h"

/* /proc/stat has a number for each interrupt of the machine: the largest of them. */
enum { TEXT_MAX = 4 << 20 };

/* /sys/block has the whole ones only; a "/" in a name is "!" there. */
static bool is_whole(void *arg, const char *name)
{
	const struct linux_host *host = arg;
	char entry[HOST_NAME] = {0};
	if (host->block_fd < 0)
		return host_whole_by_name(NULL, name);
	for (size_t i = 0; i < HOST_NAME - 1 && name[i]; i++)
		entry[i] = name[i] == '/' ? '!' : name[i];
	return faccessat(host->block_fd, entry, F_OK, 0) == 0;
}

static int read_text(const char *path, char **ret_text, struct why *why)
{
	size_t len;
	return textfile_read(path, TEXT_MAX, ret_text, &len, why);
}

static int read_stat(struct linux_host *host, struct host_reading *reading, struct why *why)
{
	OWN(own_free) char *text = NULL;
	int err = read_text("/proc/stat", &text, why);
	return err ? err : host_parse_stat(text, host->hz, reading, why);
}

static int read_meminfo(struct host_reading *reading, struct why *why)
{
	OWN(own_free) char *text = NULL;
	int err = read_text("/proc/meminfo", &text, why);
	return err ? err : host_parse_meminfo(text, reading, why);
}

static int read_disks(struct linux_host *host, struct host_reading *reading, struct why *why)
{
	OWN(own_free) char *text = NULL;
	int err = read_text("/proc/diskstats", &text, why);
	if (!err)
		err = host_parse_diskstats(text, is_whole, host, reading, why);
	if (!err)
		host_unwrap(&host->wraps, reading);
	return err;
}

static int read_nics(struct host_reading *reading, struct why *why)
{
	OWN(own_free) char *text = NULL;
	int err = read_text("/proc/net/dev", &text, why);
	return err ? err : host_parse_net_dev(text, reading, why);
}

/* A kernel built without PSI has no such file; one started with psi=0 refuses to read it. */
static int read_pressure(const char *name, struct host_pressure *ret_pressure, struct why *why)
{
	char path[64];
	OWN(own_free) char *text = NULL;
	snprintf(path, sizeof(path), "/proc/pressure/%s", name);
	int err = read_text(path, &text, why);
	if (err == -ENOENT || err == -EOPNOTSUPP)
		return 0;
	return err ? err : host_parse_pressure(text, name, ret_pressure, why);
}

static int linux_read(struct host *base, struct host_reading *ret_reading, struct why *why)
{
	struct linux_host *host = container_of(base, struct linux_host, base);
	struct host_reading reading = {.mono_ns = clock_mono_ns(host->clock)};
	int err = read_stat(host, &reading, why);
	if (!err)
		err = read_meminfo(&reading, why);
	if (!err)
		err = read_disks(host, &reading, why);
	if (!err)
		err = read_nics(&reading, why);
	if (!err)
		err = read_pressure("cpu", &reading.cpu_pressure, why);
	if (!err)
		err = read_pressure("memory", &reading.memory_pressure, why);
	if (!err)
		err = read_pressure("io", &reading.io_pressure, why);
	if (!err)
		*ret_reading = reading;
	return err;
}

void linux_host_init(struct linux_host *host, struct clock *clock)
{
	static const struct host_ops ops = {.read = linux_read, .programs = linux_host_programs};
	long hz = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
	*host = (struct linux_host){
		.base.ops = &ops,
		.clock = clock,
		.proc = "/proc",
		.hz = hz > 0 ? (unsigned)hz : 100,
		.page = page > 0 ? (uint64_t)page : 4096,
		.block_fd = open("/sys/block", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
}

void linux_host_done(struct linux_host *host)
{
	fd_close(&host->block_fd);
}
