/* SPDX-License-Identifier: Apache-2.0 */
/* Any text is read by each parser or refused with a reason, and the tables stay within bounds. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "os/linux/host_parse.h"
#include "os/linux/programs_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void expect_reason(int err, const struct why *why)
{
	must(err == 0 || (err < 0 && why->text[0]));
}

static bool never(void *arg, unsigned major, unsigned minor)
{
	(void)arg, (void)major, (void)minor;
	return false;
}

static void read_programs(const char *text)
{
	struct process_stat stat;
	struct cgroup_mounts mounts;
	uint64_t a, b;
	if (programs_parse_stat(text, &stat))
		must(strlen(stat.name) < sizeof(stat.name));
	programs_parse_io(text, &a, &b);
	programs_parse_io_stat(text, never, NULL, &a, &b);
	programs_parse_blkio(text, never, NULL, &a, &b);
	programs_parse_keyed(text, "usage_usec", &a);
	programs_parse_mounts(text, &mounts);
	must(strlen(mounts.unified) < CGROUP_PATH && strlen(mounts.cpu) < CGROUP_PATH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct host_reading reading = {0};
	struct host_wraps wraps = {0};
	struct host_pressure pressure;
	struct why why = {0};
	OWN(own_free) char *text = len ? strndup((const char *)data, len) : strdup("");
	must(text);
	expect_reason(host_parse_stat(text, 100, &reading, &why), &why);
	expect_reason(host_parse_meminfo(text, &reading, &why), &why);
	expect_reason(host_parse_net_dev(text, &reading, &why), &why);
	expect_reason(host_parse_pressure(text, "cpu", &pressure, &why), &why);
	expect_reason(host_parse_diskstats(text, host_whole_by_name, NULL, &reading, &why), &why);
	must(reading.disk_count <= HOST_DISKS && reading.nic_count <= HOST_NICS);
	read_programs(text);
	host_unwrap(&wraps, &reading);
	host_unwrap(&wraps, &reading);
	must(wraps.count <= HOST_DISKS);
	return 0;
}
