/* SPDX-License-Identifier: Apache-2.0 */
/*
 * must(cond): a broken promise of our own code. Always compiled in, prints and aborts. The world's
 * failures are negative errno values, never must().
 *
 * Any thread.
 */
#ifndef EBB_BASE_MUST_H
#define EBB_BASE_MUST_H

#define must(cond) ((cond) ? (void)0 : must_fail(#cond, __FILE__, __LINE__, __func__))

_Noreturn void must_fail(const char *cond, const char *file, int line, const char *func);

#endif
