/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help, from the table of commands: the overview, one command, all of one noun, and the table
 * itself for programs.
 *
 * Any thread.
 */
#ifndef EBB_EBB_HELP_H
#define EBB_EBB_HELP_H

struct command;
struct str;

void help_overview(struct str *text);
void help_command(const struct command *command, struct str *text);
void help_noun(const char *noun, struct str *text);
void help_json(struct str *text);

#endif
