/* SPDX-License-Identifier: Apache-2.0 */
/* Disks, file systems, the kernel, the clock. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/doctor.h"
#include "os/aio.h"
#include "os/linux/capture.h"
#include "os/linux/textfile.h"
#include "os/linux/world.h"
#include "os/world.h"

enum { PATH = 512, SMART_MAX = 1 << 18, FULL_PERCENT = 90 };

/* ---- disks ---- */

/* Made of other disks, or of memory. */
static bool is_made(const char *name)
{
	static const char *const made[] = {"loop", "ram", "zram", "dm-", "md", "sr", "nbd", "fd"};
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		if (str_starts(name, made[i]))
			return true;
	return false;
}

/* NULL: nobody can say. The program wants to be root, and a disk that tells. */
static const char *smart_of(const struct doctor *doctor, const char *name)
{
	char device[64];
	const char *const argv[] = {"smartctl", "-H", "-j", device, NULL};
	size_t len;
	if (geteuid() != 0 || !doctor_has_program(doctor, "smartctl"))
		return NULL;
	snprintf(device, sizeof(device), "/dev/%.40s", name);
	OWN(own_free) char *text = malloc(SMART_MAX);
	/* It ends with other codes than 0 for much that is no failure. */
	if (!text || capture_output(argv, text, SMART_MAX, &len, NULL))
		return NULL;
	OWN(json_own) json_t *document = json_loads(text, 0, NULL);
	const json_t *passed = json_object_get(json_object_get(document, "smart_status"), "passed");
	return !passed ? NULL : json_is_true(passed) ? "passed" : "failed";
}

static bool on_disk(void *arg, const char *name)
{
	struct doctor *doctor = arg;
	char path[PATH], size[32], spins[8], model[80], amount[AMOUNT];
	if (is_made(name) || name[0] == '.')
		return true;
	snprintf(path, sizeof(path), "/sys/block/%.60s/size", name);
	doctor_read(path, size, sizeof(size));
	uint64_t bytes = strtoull(size, NULL, 10) * 512;
	if (!bytes)
		return true;
	snprintf(path, sizeof(path), "/sys/block/%.60s/queue/rotational", name);
	doctor_read(path, spins, sizeof(spins));
	snprintf(path, sizeof(path), "/sys/block/%.60s/device/model", name);
	doctor_read(path, model, sizeof(model));
	const char *smart = smart_of(doctor, name);
	bool bad = smart && strcmp(smart, "failed") == 0;
	doctor_add(doctor, "disk", bad ? FINDING_WRONG : FINDING_GOOD, name, "%s, %s%s%s%s%s",
		amount_bytes(bytes, amount), strcmp(spins, "1") == 0 ? "turns" : "solid state",
		*model ? ", " : "", model, smart ? ", SMART says " : "", smart ? smart : "");
	if (bad)
		doctor_todo(doctor, "it says itself that it fails: save what is on it now");
	return true;
}

void doctor_disks(struct doctor *doctor)
{
	textfile_list("/sys/block", on_disk, doctor, NULL);
}

/* ---- file systems ---- */

static const char *const local_types[] = {
	"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "vfat", "exfat"};
static const char *const remote_types[] = {"nfs", "nfs4", "cifs", "smb3", "ceph", "fuse.sshfs"};

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

/* In place: \040 and the like, by which mounts(5) writes blanks. */
static void unescape(char *text)
{
	char *to = text;
	for (const char *at = text; *at; at++) {
		if (at[0] == '\\' && isdigit(at[1]) && isdigit(at[2]) && isdigit(at[3])) {
			*to++ = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + at[3] - '0');
			at += 3;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
}

static void add_mount(struct doctor *doctor, const char *path, const char *type, bool remote)
{
	struct doctor_mount mount = {.remote = remote};
	struct statvfs room;
	struct stat about;
	char all[AMOUNT], left[AMOUNT];
	if (strlen(path) > CONF_PATH_MAX || stat(path, &about) < 0 || statvfs(path, &room) < 0 ||
		!room.f_blocks)
		return;
	vec_each (known, &doctor->mounts)
		if (known->device == about.st_dev)
			return;
	snprintf(mount.path, sizeof(mount.path), "%s", path);
	mount.device = about.st_dev;
	mount.size = room.f_blocks * room.f_frsize;
	mount.free = room.f_bavail * room.f_frsize;
	unsigned full = (unsigned)(100 - 100 * room.f_bavail / room.f_blocks);
	unsigned nodes = room.f_files ? (unsigned)(100 - 100 * room.f_favail / room.f_files) : 0;
	bool wrong = full >= FULL_PERCENT || nodes >= FULL_PERCENT;
	doctor_add(doctor, "file system", wrong ? FINDING_WRONG : FINDING_GOOD, path,
		"%s, %s, %u %% full, %s free%s", type, amount_bytes(mount.size, all), full,
		amount_bytes(mount.free, left),
		room.f_flag & ST_RDONLY         ? ", read-only"
			: nodes >= FULL_PERCENT ? ", and hardly any inodes are left"
						: "");
	if (wrong)
		doctor_todo(doctor, "make room: backups and databases fail on a full disk");
	doctor->failed |= !(room.f_flag & ST_RDONLY) && vec_push(&doctor->mounts, mount) != 0;
}

void doctor_mounts(struct doctor *doctor)
{
	OWN(own_free) char *text = NULL;
	char *rest, *line;
	size_t len;
	if (textfile_read("/proc/self/mounts", 1 << 20, &text, &len, NULL))
		return;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		strsep(&line, " ");
		char *path = strsep(&line, " "), *type = strsep(&line, " ");
		if (!path || !type)
			continue;
		bool remote = is_one_of(
			type, remote_types, sizeof(remote_types) / sizeof(*remote_types));
		unescape(path);
		if (remote ||
			is_one_of(type, local_types, sizeof(local_types) / sizeof(*local_types)))
			add_mount(doctor, path, type, remote);
	}
}

/* ---- the kernel ---- */

static void world_close_own(struct linux_world **lw)
{
	linux_world_close(*lw);
}

static void look_at_io(struct doctor *doctor)
{
	OWN(world_close_own) struct linux_world *lw = NULL;
	struct why why;
	if (linux_world_open("/", &(struct linux_options){.workers = 1}, &lw, &why))
		return;
	const char *name = aio_name(linux_world(lw)->aio);
	bool fast = strcmp(name, "io_uring") == 0;
	doctor_add(doctor, "kernel", fast ? FINDING_GOOD : FINDING_NOTE, "io_uring",
		fast ? "file I/O goes by it"
		     : "cannot be had: threads do file I/O instead, at more cost");
}

static void look_for(struct doctor *doctor, const char *name, const char *path, const char *without)
{
	bool is_there = access(path, F_OK) == 0;
	doctor_add(doctor, "kernel", is_there ? FINDING_GOOD : FINDING_NOTE, name, "%s",
		is_there ? "is there" : without);
}

/* The module may wait to be loaded. */
static void look_for_nbd(struct doctor *doctor)
{
	char release[64], path[PATH], packed[PATH + 4];
	doctor_read("/proc/sys/kernel/osrelease", release, sizeof(release));
	snprintf(path, sizeof(path), "/lib/modules/%s/kernel/drivers/block/nbd.ko", release);
	snprintf(packed, sizeof(packed), "%s.xz", path);
	bool is_there = access("/sys/module/nbd", F_OK) == 0 || access(path, F_OK) == 0 ||
		access(packed, F_OK) == 0;
	doctor_add(doctor, "kernel", is_there ? FINDING_GOOD : FINDING_NOTE, "nbd", "%s",
		is_there ? "is there: volumes can be disks of this machine"
			 : "is not there: volumes serve other machines and virtual ones only");
}

void doctor_kernel(struct doctor *doctor)
{
	look_at_io(doctor);
	look_for(doctor, "pressure", "/proc/pressure/io",
		"is not told (psi=1 on the kernel's command line): stalls are not seen");
	look_for_nbd(doctor);
	look_for(doctor, "device mapper", "/dev/mapper/control",
		"is not there: no snapshots of logical volumes by hooks");
	look_for(doctor, "fuse", "/dev/fuse", "is not there: points cannot be mounted as folders");
	if (access("/dev/fuse", F_OK) == 0 && geteuid() != 0 &&
		!doctor_has_program(doctor, "fusermount3")) {
		doctor_add(doctor, "kernel", FINDING_NOTE, "fusermount3",
			"is not there: only root can mount points");
		doctor_todo(doctor, "apt-get install fuse3");
	}
}

void doctor_clock(struct doctor *doctor)
{
	struct timex state = {0};
	int said = adjtimex(&state);
	if (said < 0) {
		doctor_add(doctor, "clock", FINDING_NOTE, "time", "the kernel does not say: %s",
			strerrordesc_np(errno));
		return;
	}
	bool kept = said != TIME_ERROR && !(state.status & STA_UNSYNC);
	doctor_add(doctor, "clock", kept ? FINDING_GOOD : FINDING_NOTE, "time", "%s",
		kept ? "is kept by other clocks" : "is not kept by any other clock");
	if (!kept)
		doctor_todo(doctor,
			"systemctl enable --now systemd-timesyncd, or chrony: ages of "
			"points and nights of forecasts go by it");
}
