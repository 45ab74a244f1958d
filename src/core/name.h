/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the nouns: 1 to 63 bytes, letters, digits and ._-:/@ only, so that they stand in any
 * text as they are.
 *
 * Any thread.
 */
#ifndef EBB_CORE_NAME_H
#define EBB_CORE_NAME_H

enum { CORE_NAME = 64 };

#endif
