/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion of commands, options and their values, for shells; from the table of commands.
 *
 * Any thread.
 */
#ifndef EBB_EBB_COMPLETION_H
#define EBB_EBB_COMPLETION_H

struct str;

/* Adds a script for bash, which needs nothing but bash itself. */
void completion_bash(struct str *text);

/* Adds a script for zsh: to be sourced behind compinit, or as a file _ebb in its fpath. */
void completion_zsh(struct str *text);

#endif
