/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libFuzzer where the build has none: feeds every file of the corpus folders named on
 * the command line to the target, then a few thousand mutations of them drawn from a fixed seed.
 * Speaks TAP, one line a folder.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/sanitized.h"

enum { INPUT_MAX = 1 << 20, MUTATIONS_PER_FILE = 400 };

/* No input may make its target take more than this: what claims to be huge is refused first. */
enum { MEMORY_MAX_KIB = 16 << 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The target gets an exact-size heap copy, so that a sanitizer sees the first byte read too far. */
static void feed(const uint8_t *data, size_t len)
{
	OWN(own_free) uint8_t *copy = malloc(len ? len : 1);
	if (!copy)
		abort();
	if (len)
		memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
}

static void mutate(struct rng *rng, const uint8_t *data, size_t len, uint8_t *scratch)
{
	memcpy(scratch, data, len);
	size_t edits = 1 + rng_below(rng, 4);
	for (size_t i = 0; i < edits && len; i++) {
		size_t at = rng_below(rng, len);
		switch (rng_below(rng, 4)) {
		case 0:
			scratch[at] ^= (uint8_t)(1u << rng_below(rng, 8));
			break;
		case 1:
			scratch[at] = (uint8_t)rng_u64(rng);
			break;
		case 2:
			len = at;
			break;
		default:
			memmove(scratch + at, scratch, len - at);
			break;
		}
	}
	feed(scratch, len);
}

/* Runs one file and its mutations. False: it could not be read. */
static bool replay_file(const char *path, struct rng *rng, uint64_t *inputs)
{
	OWN(own_free) uint8_t *data = malloc(INPUT_MAX);
	OWN(own_free) uint8_t *scratch = malloc(INPUT_MAX);
	FILE *file = data && scratch ? fopen(path, "rb") : NULL;
	if (!file)
		return false;
	size_t len = fread(data, 1, INPUT_MAX, file);
	fclose(file);
	feed(data, len);
	for (int i = 0; i < MUTATIONS_PER_FILE; i++)
		mutate(rng, data, len, scratch);
	*inputs += 1 + MUTATIONS_PER_FILE;
	return true;
}

static bool replay_folder(const char *folder, uint64_t *inputs)
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort);
	struct rng rng;
	rng_seed(&rng, 1);
	bool ok = count > 2;
	for (int i = 0; i < count; i++) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		if (names[i]->d_name[0] != '.' && !replay_file(path, &rng, inputs))
			ok = false;
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return ok;
}

/* The most address space so far, touched or not. getrusage() would tell of who started us, too. */
static long peak_kib(void)
{
	char line[200];
	long kib = 0;
	FILE *status = fopen("/proc/self/status", "r");
	while (status && !kib && fgets(line, sizeof(line), status))
		if (strncmp(line, "VmPeak:", 7) == 0)
			kib = strtol(line + 7, NULL, 10);
	if (status)
		fclose(status);
	return kib;
}

int main(int argc, char **argv)
{
	int failed = 0;
	printf("TAP version 13\n1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		uint64_t inputs = 0;
		long before = peak_kib();
		bool ok = replay_folder(argv[i], &inputs);
		long more = peak_kib() - before;
		printf("# %ld KiB of memory\n", more);
		ok = ok && (more <= MEMORY_MAX_KIB || is_sanitized());
		printf("%s %d - corpus %s, %" PRIu64 " inputs\n", ok ? "ok" : "not ok", i,
			strrchr(argv[i], '/') ? strrchr(argv[i], '/') + 1 : argv[i], inputs);
		failed += !ok;
	}
	return failed ? 1 : 0;
}
