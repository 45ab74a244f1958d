/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups: a walk down the tree that counts CPU time, and beside each group that is wanted
 * its memory and I/O, in the tree that counts those. A controller belongs to one tree: that of
 * version 1 where it is mounted, else the unified one.
 *
 * What is told of a group holds for all beneath it, so the walk goes no deeper there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "os/linux/fd.h"
#include "os/linux/host_programs.h"

/* One group's folder in each of the trees; the same number where they are one tree. */
struct group {
	int cpu, memory, io; /* -1: there is none */
};

struct walk {
	struct look *look;
	int memory_root, io_root;               /* -1: in the tree that is walked */
	bool cpu_first, memory_first, io_first; /* these are of version 1 */
	char path[HOST_PROGRAM];
};

static bool is_unit(const char *name)
{
	static const char *const endings[] = {".service", ".scope", ".slice"};
	size_t len = strlen(name);
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t end = strlen(endings[i]);
		if (len > end && strcmp(name + len - end, endings[i]) == 0)
			return true;
	}
	return false;
}

/* A device that others make up tells each of its bytes twice; so do files used as disks. */
static bool is_stacked(void *arg, unsigned major, unsigned minor)
{
	enum { LOOP_MAJOR = 7 };
	char path[64];
	const struct dirent *entry;
	bool any = major == LOOP_MAJOR;
	(void)arg;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/slaves", major, minor);
	DIR *dir = opendir(path);
	while (!any && dir && (entry = readdir(dir)) != NULL)
		any = entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return any;
}

static bool got(struct look *look, int folder_fd, const char *name)
{
	return folder_fd >= 0 && look_read(look, folder_fd, name) > 0;
}

static bool sense(struct look *look, bool ok)
{
	look->facts.strange += !ok;
	return ok;
}

static void read_cpu(
	const struct walk *walk, const struct group *group, struct host_program *program)
{
	struct look *look = walk->look;
	bool ok;
	if (!got(look, group->cpu, walk->cpu_first ? "cpuacct.usage" : "cpu.stat"))
		return;
	if (walk->cpu_first)
		ok = programs_parse_number(look->text, &program->cpu_ns);
	else
		ok = programs_parse_keyed(look->text, "usage_usec", &program->cpu_ns) &&
			mul_fits(program->cpu_ns, NS_PER_US, &program->cpu_ns);
	program->has |= sense(look, ok) ? HOST_HAS_CPU : 0;
}

/* Without what the page cache could give back at once, as others count it, too. */
static void read_memory(
	const struct walk *walk, const struct group *group, struct host_program *program)
{
	struct look *look = walk->look;
	bool first = walk->memory_first;
	uint64_t idle = 0;
	if (!got(look, group->memory, first ? "memory.usage_in_bytes" : "memory.current"))
		return;
	if (!sense(look, programs_parse_number(look->text, &program->memory_bytes)))
		return;
	if (got(look, group->memory, "memory.stat"))
		programs_parse_keyed(
			look->text, first ? "total_inactive_file" : "inactive_file", &idle);
	program->memory_bytes -= idle < program->memory_bytes ? idle : program->memory_bytes;
	program->has |= HOST_HAS_MEMORY;
}

static void read_io(
	const struct walk *walk, const struct group *group, struct host_program *program)
{
	struct look *look = walk->look;
	bool ok, first = walk->io_first;
	if (group->io < 0 ||
		look_read(look, group->io,
			first ? "blkio.throttle.io_service_bytes_recursive" : "io.stat") < 0)
		return;
	if (first)
		ok = programs_parse_blkio(
			look->text, is_stacked, NULL, &program->read_bytes, &program->write_bytes);
	else
		ok = programs_parse_io_stat(
			look->text, is_stacked, NULL, &program->read_bytes, &program->write_bytes);
	program->has |= sense(look, ok) ? HOST_HAS_IO : 0;
}

static void read_net(
	const struct walk *walk, const struct group *group, struct host_program *program)
{
	struct look *look = walk->look;
	uint64_t pid;
	if (got(look, group->cpu, "cgroup.procs") && programs_parse_number(look->text, &pid) &&
		pid && pid <= UINT32_MAX)
		look_net(look, (uint32_t)pid, program);
}

static void tell(
	const struct walk *walk, const struct group *group, enum host_kind kind, const char *name)
{
	struct host_program program = {.kind = kind, .age_ns = -1};
	struct stat about;
	if (fstat(group->cpu, &about) < 0)
		return;
	program.life = about.st_ino;
	snprintf(program.name, sizeof(program.name), "%s", name);
	read_cpu(walk, group, &program);
	read_memory(walk, group, &program);
	read_io(walk, group, &program);
	read_net(walk, group, &program);
	if (program.has)
		look_tell(walk->look, &program);
}

static int open_folder(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The group at walk->path, whose folder in the walked tree is `fd`. */
static void meet(const struct walk *walk, int fd, const char *name)
{
	bool unit = is_unit(name) && wanted_match(walk->look->wanted, HOST_UNIT, name);
	OWN(fd_close) int memory = -1, io = -1;
	if (walk->memory_root >= 0)
		memory = open_folder(walk->memory_root, walk->path);
	if (walk->io_root >= 0)
		io = open_folder(walk->io_root, walk->path);
	const struct group group = {
		.cpu = fd,
		.memory = walk->memory_root >= 0 ? memory : fd,
		.io = walk->io_root >= 0 ? io : fd,
	};
	tell(walk, &group, unit ? HOST_UNIT : HOST_CGROUP, unit ? name : walk->path);
}

static bool is_wanted(const struct walk *walk, const char *name)
{
	const struct wanted *wanted = walk->look->wanted;
	return (is_unit(name) && wanted_match(wanted, HOST_UNIT, name)) ||
		wanted_match(wanted, HOST_CGROUP, walk->path);
}

static void descend(struct walk *walk, int fd, int depth);

/* One entry of a folder; walk->path is as before when it returns. */
static void enter(struct walk *walk, int parent_fd, const char *name, int depth)
{
	struct look *look = walk->look;
	size_t len = strlen(walk->path), name_len = strlen(name);
	if (look->groups >= LOOK_GROUPS || depth == LOOK_DEPTH ||
		len + 1 + name_len >= sizeof(walk->path)) {
		look->facts.left_out++;
		return;
	}
	OWN(fd_close) int fd = open_folder(parent_fd, name);
	if (fd < 0)
		return;
	look->groups++;
	snprintf(walk->path + len, sizeof(walk->path) - len, "%s%s", len ? "/" : "", name);
	if (is_wanted(walk, name))
		meet(walk, fd, name);
	else
		descend(walk, fd, depth + 1);
	walk->path[len] = '\0';
}

static void descend(struct walk *walk, int fd, int depth)
{
	int copy = open_folder(fd, ".");
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	while (dir && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' &&
			(entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN))
			enter(walk, fd, entry->d_name, depth);
	if (dir)
		closedir(dir);
	else if (copy >= 0)
		close(copy);
}

static int open_root(const char *path)
{
	return path[0] ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

void look_groups(struct look *look)
{
	struct walk walk = {.look = look};
	int len = look_read(look, look->proc_fd, "self/mountinfo");
	if (len < 0 && len != -EFBIG) /* of very many mounts the first do */
		return;
	programs_parse_mounts(look->text, &look->mounts);
	const struct cgroup_mounts *mounts = &look->mounts;
	walk.cpu_first = mounts->cpu[0];
	walk.memory_first = mounts->memory[0];
	walk.io_first = mounts->io[0];
	OWN(fd_close) int root = open_root(walk.cpu_first ? mounts->cpu : mounts->unified);
	const char *other = walk.cpu_first ? mounts->unified : "";
	OWN(fd_close) int memory = open_root(walk.memory_first ? mounts->memory : other);
	OWN(fd_close) int io = open_root(walk.io_first ? mounts->io : other);
	walk.memory_root = memory;
	walk.io_root = io;
	if (root >= 0)
		descend(&walk, root, 0);
}
