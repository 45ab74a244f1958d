/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users of a disk who wait for each answer before they ask again, and a job that feels its way. The
 * disk is not what the controller's model takes it for, and its counters tell nobody's name.
 */
#include "act/waits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "act/device.h"
#include "act/keeper.h"
#include "base/must.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/units.h"
#include "plan/harm.h"

static const double user_bytes = 4096, user_s = 0.0005, own_bytes = 1 << 20, capacity = 200e6;

/* `clients` each think for a while between an answer and the next request. */
struct room {
	struct host_reading reading;
	struct harm_device truth; /* of the disk: requests of ours are so much longer */
	double clients, think_s, noise;
	double rate, latency_s; /* of users, in the last span */
	struct rng rng;
	struct device device;
	struct keeper keeper;
};

/* Users slow down until what they ask is what they get. */
static void settle(struct room *room, double own)
{
	double low = 0, high = room->clients / (room->think_s + user_s);
	for (int i = 0; i < 50; i++) {
		double rate = (low + high) / 2;
		room->latency_s = user_s * harm_waiting(&room->truth, rate * user_s, own);
		bool more = rate * (room->think_s + room->latency_s) < room->clients;
		*(more ? &low : &high) = rate;
	}
	room->rate = low;
	room->latency_s *= 1 + room->noise * ((double)rng_below(&room->rng, 2001) / 1000 - 1);
}

/* A second of the disk, with so many bytes of ours. */
static void pass(struct room *room, double bytes)
{
	struct host_disk *disk = &room->reading.disks[0];
	settle(room, bytes / capacity);
	double ours = bytes / own_bytes, wait_s = fmax(room->latency_s - user_s, 0);
	disk->reads += (uint64_t)(room->rate + ours);
	disk->read_bytes += (uint64_t)(room->rate * user_bytes + bytes);
	disk->read_ns += (uint64_t)((room->rate * room->latency_s +
					    ours * (wait_s + own_bytes / capacity)) *
		1e9);
	disk->busy_ns += (uint64_t)((room->rate * user_s + bytes / capacity) * 1e9);
	room->reading.mono_ns += NS_PER_SEC;
	struct device_own own = {(uint64_t)bytes, 0};
	device_observe(&room->device, &room->reading, room->reading.mono_ns / NS_PER_SEC, &own);
}

static struct room *begin(double clients, double think_s)
{
	struct room *room = calloc(1, sizeof(*room));
	must(room);
	struct conf_protect how = {.impact_percent = 10, .impact_floor_ns = NS_PER_US};
	room->clients = clients;
	room->think_s = think_s;
	room->noise = 0.05;
	/* The controller believes 4. */
	room->truth.size = own_bytes / capacity / user_s;
	rng_seed(&room->rng, test_seed());
	room->reading.mono_ns = 1000 * NS_PER_SEC;
	room->reading.disk_count = 1;
	snprintf(room->reading.disks[0].name, HOST_NAME, "sda");
	device_begin(&room->device, "sda", NULL, 1000);
	room->device.capacity = capacity;
	keeper_begin(&room->keeper, &how, &room->device);
	room->keeper.plan = (struct keeper_plan){
		.wanted = WANTED_RUN, .alone = true, .due_s = INT32_MAX, .release_s = 0};
	room->keeper.work_s = 1000;
	return room;
}

struct seen {
	double latency_s, rate, bytes; /* means */
};

/* So many seconds; of the second half what it was on average. */
static struct seen run(struct room *room, int seconds, bool backup)
{
	struct seen seen = {0};
	double bytes = 0;
	for (int i = 0; i < seconds; i++) {
		pass(room, bytes);
		if (i >= seconds / 2) {
			seen.latency_s += room->latency_s / (seconds - seconds / 2);
			seen.rate += room->rate / (seconds - seconds / 2);
			seen.bytes += bytes / (seconds - seconds / 2);
		}
		int64_t now_s = room->reading.mono_ns / NS_PER_SEC;
		bytes = backup ? (double)keeper_step(&room->keeper, now_s, 1, (uint64_t)bytes) : 0;
	}
	return seen;
}

TEST(what_users_wait_is_told_apart_from_what_we_wait)
{
	OWN(own_free) struct room *room = begin(3, 0.01);
	room->noise = 0;
	for (int i = 0; i < 60; i++)
		pass(room, 0);
	CHECK(fabs(room->device.waits.now_s / room->latency_s - 1) < 0.01);
	CHECK(fabs(room->device.waits.idle_s / room->latency_s - 1) < 0.01);
	CHECK(!(room->device.waits.backup_s > 0));
	/* Alone with the disk it is learnt how large our requests are. */
	double clients = room->clients;
	room->clients = 0;
	for (int i = 0; i < 200; i++)
		pass(room, 50e6);
	CHECK(fabs(room->device.waits.own_size[WAITS_READ] / own_bytes - 1) < 0.03);
	room->clients = clients;
	for (double share = 0.05; share < 0.5; share += 0.05) {
		for (int i = 0; i < 30; i++)
			pass(room, share * capacity);
		double told = room->device.waits.now_s, is = room->latency_s;
		test_note("share %.2f: %.0f us, told %.0f us", share, is * 1e6, told * 1e6);
		CHECK(fabs(told / is - 1) < 0.15);
		CHECK(!(fabs(room->device.waits.backup_s - told) > 0));
	}
}

/*
 * The trap: what a job takes, users do not ask for any more; by their load all is quiet, and who
 * goes by that speeds up. By the time of their requests it is not.
 */
TEST(users_who_are_slowed_down_are_not_taken_for_quiet)
{
	static const double rooms[][2] = {{1, 0.0005}, {2, 0.004}, {8, 0.05}};
	for (size_t i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
		OWN(own_free) struct room *room = begin(rooms[i][0], rooms[i][1]);
		struct seen quiet = run(room, 120, false);
		struct seen backup = run(room, 1200, true);
		test_note("%g clients: %.0f us and %.0f/s, with a backup of %.1f MB/s %.0f us and "
			  "%.0f/s",
			room->clients, quiet.latency_s * 1e6, quiet.rate, backup.bytes / 1e6,
			backup.latency_s * 1e6, backup.rate);
		CHECK(backup.latency_s <= 1.3 * quiet.latency_s);
		CHECK(backup.rate >= 0.8 * quiet.rate);
		CHECK(backup.bytes > 0.002 * capacity);
	}
}

TEST(who_is_gone_is_waited_for_and_then_forgotten)
{
	OWN(own_free) struct room *room = begin(2, 0.004);
	run(room, 60, false);
	run(room, 60, true);
	room->clients = 0;
	CHECK(run(room, 20, true).bytes < 0.2 * capacity);
	struct seen seen = run(room, 1000, true);
	CHECK(seen.bytes > 0.3 * capacity);
}

TEST(up_to_the_floor_users_may_wait_in_any_case)
{
	struct waits waits;
	waits_begin(&waits);
	CHECK(!(waits_felt(&waits, 0.1, 0.001) > 0));
	for (int i = 0; i < 100; i++)
		waits_observe_users(&waits, 1, 100, 100 * 0.0001, false);
	for (int i = 0; i < 100; i++)
		waits_observe_users(&waits, 1, 100, 100 * 0.0005, true);
	CHECK(fabs(waits_felt(&waits, 0.1, 0.001) - 0.5) < 0.01);
	CHECK(waits_felt(&waits, 0.1, 0.0001) > 4);
	/* Nobody is seen any more, who was there: no further. */
	waits_observe_users(&waits, 1, 0, 0, true);
	CHECK(!(fabs(waits_felt(&waits, 0.1, 0.0001) - 1) > 0));
	for (int i = 0; i < 300; i++)
		waits_observe_users(&waits, 1, 0, 0, true);
	CHECK(!(waits_felt(&waits, 0.1, 0.0001) > 0));
	CHECK(fabs(waits.idle_s - 0.0001) < 1e-9 && fabs(waits.backup_s - 0.0005) < 1e-6);
}

TEST_MAIN
