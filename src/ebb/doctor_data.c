/* SPDX-License-Identifier: Apache-2.0 */
/* Servers of databases, virtual machines, history, and what saves this machine already. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/doctor.h"
#include "foresee/server.h"
#include "os/linux/http.h"
#include "os/linux/textfile.h"

enum { PATH = 512 };

#define POSTGRES_SOCKETS "/run/postgresql"
#define PROMETHEUS "http://localhost:9090"

/* ---- databases ---- */

static bool knows_port(const struct doctor *doctor, unsigned port)
{
	vec_each (known, &doctor->postgres)
		if (known->port == port)
			return true;
	return false;
}

static bool on_socket(void *arg, const char *name)
{
	struct doctor *doctor = arg;
	struct doctor_postgres server = {.folder = POSTGRES_SOCKETS};
	char end;
	if (sscanf(name, ".s.PGSQL.%u%c", &server.port, &end) != 1 ||
		knows_port(doctor, server.port))
		return true;
	snprintf(server.name, sizeof(server.name), "postgres-%u", server.port);
	doctor_add(doctor, "database", FINDING_GOOD, server.name,
		"PostgreSQL listens on port %u, socket in %s", server.port, server.folder);
	doctor_todo(doctor,
		"protect it as `postgres: host=%s port=%u user=postgres`, with WAL by "
		"docs/guide/postgresql.md",
		server.folder, server.port);
	doctor->failed |= vec_push(&doctor->postgres, server) != 0;
	return true;
}

struct cluster {
	struct doctor *doctor;
	const char *version;
};

static bool on_cluster(void *arg, const char *name)
{
	struct cluster *of = arg;
	char path[PATH], title[FINDING_NAME];
	snprintf(path, sizeof(path), "/etc/postgresql/%.40s/%.100s/postgresql.conf", of->version,
		name);
	snprintf(title, sizeof(title), "%.40s/%.100s", of->version, name);
	if (name[0] != '.' && access(path, F_OK) == 0)
		doctor_add(of->doctor, "database", FINDING_NOTE, title,
			"a cluster of PostgreSQL is configured in /etc/postgresql");
	return true;
}

static bool on_version(void *arg, const char *name)
{
	struct cluster of = {arg, name};
	char path[PATH];
	snprintf(path, sizeof(path), "/etc/postgresql/%.40s", name);
	if (name[0] != '.')
		textfile_list(path, on_cluster, &of, NULL);
	return true;
}

void doctor_servers(struct doctor *doctor)
{
	textfile_list(POSTGRES_SOCKETS, on_socket, doctor, NULL);
	textfile_list("/etc/postgresql", on_version, doctor, NULL);
	if (access("/run/mysqld/mysqld.sock", F_OK) == 0) {
		doctor_add(doctor, "database", FINDING_NOTE, "mysql", "MySQL or MariaDB runs");
		doctor_todo(doctor,
			"ebb backup --stdin-name all.sql --command -- mysqldump "
			"--single-transaction --all-databases");
	}
}

/* ---- virtual machines ---- */

struct counting {
	const char *const *endings;
	size_t count, found;
};

static bool on_name(void *arg, const char *name)
{
	struct counting *counting = arg;
	size_t len = strlen(name);
	for (size_t i = 0; i < counting->count; i++) {
		size_t end = strlen(counting->endings[i]);
		counting->found += len > end && strcmp(name + len - end, counting->endings[i]) == 0;
	}
	return true;
}

static size_t count_in(const char *folder, const char *const *endings, size_t count)
{
	struct counting counting = {endings, count, 0};
	textfile_list(folder, on_name, &counting, NULL);
	return counting.found;
}

static bool on_process(void *arg, const char *name)
{
	size_t *running = arg;
	char path[64], comm[32];
	if (name[0] < '1' || name[0] > '9')
		return true;
	snprintf(path, sizeof(path), "/proc/%.20s/comm", name);
	doctor_read(path, comm, sizeof(comm));
	*running += str_starts(comm, "qemu-system") || str_starts(comm, "qemu-kvm");
	return true;
}

void doctor_machines(struct doctor *doctor)
{
	static const char *const disks[] = {".qcow2", ".img", ".raw"};
	static const char *const domains[] = {".xml"};
	static const char images[] = "/var/lib/libvirt/images";
	size_t running = 0;
	size_t there = count_in(images, disks, sizeof(disks) / sizeof(*disks));
	size_t defined = count_in("/etc/libvirt/qemu", domains, 1);
	textfile_list("/proc", on_process, &running, NULL);
	doctor->images = there > 0;
	if (there) {
		doctor_add(doctor, "virtual machines", FINDING_GOOD, images, "%zu images of disks",
			there);
		doctor_todo(doctor,
			"an image of a machine that runs needs a hook that makes it "
			"hold still: docs/guide/hooks.md");
	}
	if (defined)
		doctor_add(doctor, "virtual machines", FINDING_GOOD, "libvirt",
			"%zu machines are defined", defined);
	if (running)
		doctor_add(
			doctor, "virtual machines", FINDING_GOOD, "qemu", "%zu run now", running);
}

/* ---- history ---- */

static bool on_archive(void *arg, const char *name)
{
	size_t *count = arg;
	*count += strlen(name) >= 4 && name[0] == 's' && name[1] == 'a' && name[2] >= '0' &&
		name[2] <= '9' && !strchr(name, '.');
	return true;
}

static void look_for_prometheus(struct doctor *doctor)
{
	struct linux_http *http = NULL;
	json_t *answer = NULL;
	struct why why;
	if (linux_http_open(&(struct linux_http_options){0}, &http, &why))
		return;
	const struct server server = {.http = linux_http(http), .url = PROMETHEUS};
	int err = server_ask(&server, PROMETHEUS "/api/v1/status/buildinfo", &answer, &why);
	const char *version = json_string_value(
		json_object_get(json_object_get(answer, "data"), "version"));
	if (!err && version) {
		doctor_add(doctor, "history", FINDING_GOOD, PROMETHEUS, "Prometheus %.40s answers",
			version);
		doctor_todo(doctor, "ebb history import prometheus " PROMETHEUS);
	}
	json_decref(answer);
	linux_http_close(http);
}

void doctor_history(struct doctor *doctor)
{
	size_t archives = 0;
	textfile_list("/var/log/sysstat", on_archive, &archives, NULL);
	if (archives) {
		doctor_add(doctor, "history", FINDING_GOOD, "sysstat",
			"%zu days of it in /var/log/sysstat", archives);
		doctor_todo(doctor,
			"for f in /var/log/sysstat/sa[0-9][0-9]; do sadf -j $f -- -A "
			"| ebb history import sysstat -; done");
	}
	look_for_prometheus(doctor);
	if (!archives &&
		(!doctor->findings.len ||
			strcmp(doctor->findings.at[doctor->findings.len - 1].group, "history") !=
				0))
		doctor_add(doctor, "history", FINDING_NOTE, "none",
			"neither sysstat nor a Prometheus on this machine: forecasts begin with "
			"what ebbd sees, rough for two days and good after two weeks");
}

/* ---- what saves it already ---- */

void doctor_tools(struct doctor *doctor)
{
	static const char *const tools[] = {"restic", "borg", "kopia", "duplicity", "duplicati-cli",
		"rsnapshot", "rdiff-backup", "bacula-fd", "bareos-fd", "amdump", "timeshift",
		"pgbackrest", "barman", "tarsnap", "proxmox-backup-client", "vzdump"};
	for (size_t i = 0; i < sizeof(tools) / sizeof(*tools); i++)
		if (doctor_has_program(doctor, tools[i]))
			doctor_add(doctor, "other backups", FINDING_NOTE, tools[i],
				"is installed: keep it until a restore from ebb was tried");
}
