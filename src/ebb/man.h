/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manual pages ebb(1), one of section 1 for each noun of the table of commands, and
 * ebb.yaml(5), in the language of man(7).
 *
 * Any thread.
 */
#ifndef EBB_EBB_MAN_H
#define EBB_EBB_MAN_H

#include <stdbool.h>

struct str;

/* Adds ebb(1): all commands in short, and what they have in common. */
void man_page(struct str *text);

/* Adds ebb-NOUN(1). False: no command has that noun. */
bool man_command(const char *noun, struct str *text);

/* Adds ebb.yaml(5). 0 or -ENOMEM. */
int man_configuration(struct str *text);

#endif
