/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manual page ebb(1), from the table of commands.
 *
 * Any thread.
 */
#ifndef EBB_EBB_MAN_H
#define EBB_EBB_MAN_H

struct str;

/* Adds the page in the language of man(7). */
void man_page(struct str *text);

#endif
