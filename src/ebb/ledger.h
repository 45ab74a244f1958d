/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog, as commands use it: opened for a moment, waited for while another process has it,
 * and never needed. That it cannot be had is told once; then the command goes on without it.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_LEDGER_H
#define EBB_EBB_LEDGER_H

#include <stdbool.h>

#include "catalog/catalog.h"
#include "os/linux/disk.h"
#include "os/world.h"

struct keep;

struct ledger {
	struct linux_disk disk;
	struct world world;
	bool disk_open;
	struct catalog *catalog; /* NULL: there is none */
};

/*
 * True when it is open, for ledger_close(). `make`: also one that is not there; questions only read
 * one that an act has made.
 */
bool ledger_open(struct keep *keep, bool make, struct ledger *ret_ledger);
void ledger_close(struct ledger *ledger);

/*
 * After the repository was opened: 0, and its generation is noted; or the higher one that this
 * machine has seen, and then it is opened anew, which tells a rollback from another process that
 * went on meanwhile. `given`: the call says which generation counts.
 */
uint64_t ledger_check(struct keep *keep, bool given);

/* What a job used begins to count. Fill the rest, and end it. */
struct catalog_job ledger_begin(struct keep *keep, enum catalog_job_kind kind);

/* Writes down the job, and what the repository holds now. Returns the exit code that it was given.
 */
int ledger_end(struct keep *keep, struct catalog_job *job, int code);

/* Removes the catalog with all that it remembers, damaged or not. An exit code. */
int ledger_remove(struct keep *keep);

#endif
