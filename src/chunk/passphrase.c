/* SPDX-License-Identifier: Apache-2.0 */
/* The reference implementation, libargon2; OpenSSL has Argon2 from 3.2 on only. */
#include "chunk/passphrase.h"

#include <argon2.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>

#include "base/plant.h"
#include "base/why.h"
#include "os/clock.h"

enum {
	MEASURED_KIB_MAX = 512 << 10, /* a machine that restores may be smaller than this one */
	MEASURED_PASSES_MAX = 16,
	/* A slot may be hostile: nobody is made to pay more than an honest one ever costs. */
	READ_KIB_MAX = MEASURED_KIB_MAX,
	READ_PASSES_MAX = MEASURED_PASSES_MAX,
	READ_LANES_MAX = 4,
};

const struct passphrase_cost passphrase_floor = {64 << 10, 3, 4};

static int64_t measure(struct clock *clock, const struct passphrase_cost *cost)
{
	static const uint8_t salt[PASSPHRASE_SALT];
	uint8_t key[32];
	int64_t began = clock_mono_ns(clock);
	if (passphrase_key("measure", 7, salt, cost, key, NULL))
		return INT64_MAX;
	int64_t took = clock_mono_ns(clock) - began;
	return took > 0 ? took : 1;
}

struct passphrase_cost passphrase_measure(struct clock *clock, int64_t target_ns)
{
	struct passphrase_cost cost = passphrase_floor;
	int64_t took = measure(clock, &cost);
	while (took <= target_ns / 2 && cost.memory_kib < MEASURED_KIB_MAX) {
		struct passphrase_cost more = cost;
		more.memory_kib *= 2;
		int64_t longer = measure(clock, &more);
		if (longer > target_ns)
			break;
		cost = more;
		took = longer;
	}
	int64_t passes = took < target_ns ? cost.passes * (target_ns / took) : cost.passes;
	cost.passes = (uint32_t)(passes < MEASURED_PASSES_MAX ? passes : MEASURED_PASSES_MAX);
	return cost;
}

static bool is_sane(const struct passphrase_cost *cost)
{
	return cost->lanes && cost->lanes <= READ_LANES_MAX && cost->passes &&
		cost->passes <= READ_PASSES_MAX && cost->memory_kib >= 8 * cost->lanes &&
		cost->memory_kib <= READ_KIB_MAX;
}

int passphrase_key(const char *passphrase, size_t len, const uint8_t salt[PASSPHRASE_SALT],
	const struct passphrase_cost *cost, uint8_t ret_key[32], struct why *why)
{
	if (!is_sane(cost) && !planted(PASSPHRASE_COST_BELIEVED))
		return why_set(why, -EBADMSG,
			"the passphrase would cost %" PRIu32 " KiB, %" PRIu32 " passes, %" PRIu32
			" lanes: that is damaged or hostile",
			cost->memory_kib, cost->passes, cost->lanes);
	int err = argon2id_hash_raw(cost->passes, cost->memory_kib, cost->lanes, passphrase, len,
		salt, PASSPHRASE_SALT, ret_key, 32);
	if (err == ARGON2_MEMORY_ALLOCATION_ERROR)
		return why_set(why, -ENOMEM,
			"the passphrase needs %" PRIu32 " MiB of memory, which this machine has "
			"not free",
			cost->memory_kib >> 10);
	return err == ARGON2_OK ? 0 : why_set(why, -EIO, "Argon2: %s", argon2_error_message(err));
}
