/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a key that may only write keeps what it remembers (repo/client.h): a file in the folder of
 * the catalog, sealed to the key, and while a run is under way one for each pack. That it cannot be
 * had is told; then everything is sent again.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_MEMORY_H
#define EBB_EBB_MEMORY_H

struct keep;
struct memory;

/*
 * After the repository was opened, and after a commit. Nothing for keys that read. From the first
 * to memory_close() other runs of this key on this machine wait.
 */
void memory_load(struct keep *keep);
void memory_save(struct keep *keep);

/* Takes it; NULL is allowed. */
void memory_close(struct memory *memory);

#endif
