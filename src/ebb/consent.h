/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a command may go on to what cannot be undone: -y says so, a person at a terminal is
 * asked, and nobody else is taken to have agreed.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_CONSENT_H
#define EBB_EBB_CONSENT_H

struct call;

/* `what` is the end of "this VERB ...". EXIT_OK, or EXIT_GUARDED when it was not allowed; told. */
int consent(const struct call *call, const char *what);

#endif
