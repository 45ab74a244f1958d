/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of words, one file after the other. */
#include "os/linux/host_parse.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "os/linux/words.h"

enum { SECTOR = 512 }; /* in /proc/diskstats, whatever the device has */

static int strange(struct why *why, const char *file, const struct words *words)
{
	return why_set(why, -EBADMSG, "%s: line %u is not as proc(5) has it", file, words->line);
}

/* False: it does not fit. */
static bool copy_name(char name[HOST_NAME], const char *word, size_t len)
{
	if (len == 0 || len >= HOST_NAME)
		return false;
	memcpy(name, word, len);
	name[len] = '\0';
	return true;
}

/* user nice system idle iowait irq softirq steal ...; guests' time is within user and nice. */
static bool busy_time(struct words *words, unsigned hz, uint64_t *ret_ns)
{
	uint64_t t[7], ticks;
	return words_numbers(words, 7, t) && add_fits(t[0], t[1], &ticks) &&
		add_fits(ticks, t[2], &ticks) && add_fits(ticks, t[5], &ticks) &&
		add_fits(ticks, t[6], &ticks) && mul_fits(ticks, NS_PER_SEC / hz, ret_ns);
}

int host_parse_stat(const char *text, unsigned hz, struct host_reading *reading, struct why *why)
{
	struct words words = {.next = text};
	bool found = false;
	reading->cpus = 0;
	while (words_line(&words)) {
		if (words_take(&words, "cpu ")) {
			if (!busy_time(&words, hz, &reading->cpu_busy_ns))
				return strange(why, "/proc/stat", &words);
			found = true;
		} else if (words_take(&words, "cpu")) {
			reading->cpus++;
		}
	}
	if (!found || !reading->cpus)
		return why_set(why, -EBADMSG, "/proc/stat: no line of a cpu");
	return 0;
}

int host_parse_meminfo(const char *text, struct host_reading *reading, struct why *why)
{
	struct words words = {.next = text};
	bool total = false, available = false;
	while (words_line(&words)) {
		uint64_t *value = NULL;
		if (words_take(&words, "MemTotal:")) {
			value = &reading->memory_bytes;
			total = true;
		} else if (words_take(&words, "MemAvailable:")) {
			value = &reading->memory_available_bytes;
			available = true;
		}
		if (value && (!words_number(&words, value) || !mul_fits(*value, 1024u, value)))
			return strange(why, "/proc/meminfo", &words);
	}
	if (!total || !available)
		return why_set(why, -EBADMSG, "/proc/meminfo: %s is missing",
			total ? "MemAvailable" : "MemTotal");
	return 0;
}

static size_t digits_at_end(const char *name)
{
	size_t len = strlen(name), count = 0;
	while (count < len && name[len - 1 - count] >= '0' && name[len - 1 - count] <= '9')
		count++;
	return count;
}

bool host_whole_by_name(void *arg, const char *name)
{
	/* Letters count the disks of these, digits their partitions; elsewhere "p" stands between.
	 */
	static const char *const lettered[] = {"sd", "hd", "vd", "xvd", "dasd"};
	size_t digits = digits_at_end(name), len = strlen(name);
	(void)arg;
	if (!digits || digits == len)
		return true;
	for (size_t i = 0; i < sizeof(lettered) / sizeof(lettered[0]); i++)
		if (str_starts(name, lettered[i]))
			return false;
	size_t before = len - digits - 1;
	return !(name[before] == 'p' && before > 0 && name[before - 1] >= '0' &&
		name[before - 1] <= '9');
}

/* Not where data lives: files as disks, memory, optical drives, floppies. */
static bool is_no_storage(const char *name)
{
	static const char *const starts[] = {"loop", "ram", "zram", "sr", "fd"};
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		size_t len = strlen(starts[i]);
		if (str_starts(name, starts[i]) && name[len] >= '0' && name[len] <= '9')
			return true;
	}
	return false;
}

/* reads merged sectors ms  writes merged sectors ms  in-flight busy-ms weighted-ms ... */
static bool fill_disk(struct words *words, struct host_disk *disk)
{
	uint64_t n[11];
	if (!words_numbers(words, 11, n))
		return false;
	disk->reads = n[0];
	disk->writes = n[4];
	return mul_fits(n[2], SECTOR, &disk->read_bytes) &&
		mul_fits(n[6], SECTOR, &disk->write_bytes) &&
		mul_fits(n[3], NS_PER_MS, &disk->read_ns) &&
		mul_fits(n[7], NS_PER_MS, &disk->write_ns) &&
		mul_fits(n[9], NS_PER_MS, &disk->busy_ns) &&
		mul_fits(n[10], NS_PER_MS, &disk->queue_ns);
}

int host_parse_diskstats(const char *text, host_whole_fn *whole, void *arg,
	struct host_reading *reading, struct why *why)
{
	struct words words = {.next = text};
	reading->disk_count = reading->disks_left_out = 0;
	while (words_line(&words)) {
		uint64_t device[2];
		const char *word;
		struct host_disk disk = {0};
		if (!words_numbers(&words, 2, device))
			return strange(why, "/proc/diskstats", &words);
		size_t len = words_next(&words, ' ', &word);
		bool named = copy_name(disk.name, word, len);
		if (!len || !fill_disk(&words, &disk))
			return strange(why, "/proc/diskstats", &words);
		if (!disk.reads && !disk.writes)
			continue;
		if (named && (is_no_storage(disk.name) || !whole(arg, disk.name)))
			continue;
		if (named && reading->disk_count < HOST_DISKS)
			reading->disks[reading->disk_count++] = disk;
		else
			reading->disks_left_out++;
	}
	return 0;
}

/* NAME: bytes packets errs drop fifo frame compressed multicast, and the same for sending. */
int host_parse_net_dev(const char *text, struct host_reading *reading, struct why *why)
{
	struct words words = {.next = text};
	reading->nic_count = reading->nics_left_out = 0;
	while (words_line(&words)) {
		const char *word;
		uint64_t n[9];
		struct host_nic nic = {0};
		if (words.line <= 2) /* headings */
			continue;
		size_t len = words_next(&words, ':', &word);
		bool named = copy_name(nic.name, word, len);
		if (!len || !words_take(&words, ":") || !words_numbers(&words, 9, n))
			return strange(why, "/proc/net/dev", &words);
		if (named && strcmp(nic.name, "lo") == 0)
			continue;
		nic.rx_bytes = n[0];
		nic.tx_bytes = n[8];
		if (named && reading->nic_count < HOST_NICS)
			reading->nics[reading->nic_count++] = nic;
		else
			reading->nics_left_out++;
	}
	return 0;
}

/* some avg10=0.00 avg60=0.00 avg300=0.00 total=MICROSECONDS */
static bool total_ns(struct words *words, uint64_t *ret_ns)
{
	const char *word;
	for (int i = 0; i < 3; i++)
		if (!words_next(words, ' ', &word))
			return false;
	return words_take(words, " total=") && words_number(words, ret_ns) &&
		mul_fits(*ret_ns, NS_PER_US, ret_ns);
}

int host_parse_pressure(
	const char *text, const char *name, struct host_pressure *ret_pressure, struct why *why)
{
	struct words words = {.next = text};
	struct host_pressure pressure = {0};
	while (words_line(&words)) {
		bool some = words_take(&words, "some ");
		bool full = !some && words_take(&words, "full ");
		if ((some && !total_ns(&words, &pressure.some_ns)) ||
			(full && !total_ns(&words, &pressure.full_ns)))
			return why_set(why, -EBADMSG,
				"/proc/pressure/%s: line %u is not as the kernel's psi.rst has it",
				name, words.line);
		pressure.known |= some;
	}
	if (!pressure.known)
		return why_set(why, -EBADMSG, "/proc/pressure/%s: no line of some", name);
	*ret_pressure = pressure;
	return 0;
}

static struct host_wrap *find_wrap(struct host_wraps *wraps, const char *name, bool *ret_new)
{
	*ret_new = false;
	for (size_t i = 0; i < wraps->count; i++)
		if (strcmp(wraps->at[i].name, name) == 0)
			return &wraps->at[i];
	*ret_new = true;
	/* When disks come and go beyond HOST_DISKS names, all begin anew. */
	if (wraps->count == HOST_DISKS)
		wraps->count = 0;
	return &wraps->at[wraps->count++];
}

/* A step back by more than half of the range is a wrap; a smaller one is another disk. */
static void unwrap(uint64_t *value_ns, uint64_t *last_ns, uint64_t *added_ns)
{
	const uint64_t range_ns = (UINT64_C(1) << 32) * NS_PER_MS;
	uint64_t raw_ns = *value_ns;
	if (raw_ns < *last_ns)
		*added_ns = *last_ns - raw_ns > range_ns / 2 ? *added_ns + range_ns : 0;
	*last_ns = raw_ns;
	*value_ns += *added_ns;
}

void host_unwrap(struct host_wraps *wraps, struct host_reading *reading)
{
	for (size_t i = 0; i < reading->disk_count; i++) {
		struct host_disk *disk = &reading->disks[i];
		bool is_new;
		struct host_wrap *wrap = find_wrap(wraps, disk->name, &is_new);
		if (is_new) {
			*wrap = (struct host_wrap){0};
			memcpy(wrap->name, disk->name, sizeof(wrap->name));
		}
		unwrap(&disk->busy_ns, &wrap->busy_ns, &wrap->busy_added_ns);
		unwrap(&disk->queue_ns, &wrap->queue_ns, &wrap->queue_added_ns);
		unwrap(&disk->read_ns, &wrap->read_ns, &wrap->read_added_ns);
		unwrap(&disk->write_ns, &wrap->write_ns, &wrap->write_added_ns);
	}
}
