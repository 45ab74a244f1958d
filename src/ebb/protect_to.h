/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be protected from now on, declared in the configuration; and what is declared there,
 * saved at once.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_PROTECT_TO_H
#define EBB_EBB_PROTECT_TO_H

struct call;

/* `protect PATH --to URL`. An exit code; failures were told. */
int protect_to(const struct call *call);

/* `protect NAME` of a resource that the configuration names. An exit code; failures were told. */
int protect_named(const struct call *call);

#endif
