/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes, terminals and whatever else has no positions, as files that are read or written from their
 * start on, one byte after the other; any other position answers -ESPIPE.
 *
 * One thread for each file.
 */
#ifndef EBB_OS_LINUX_PIPE_H
#define EBB_OS_LINUX_PIPE_H

struct file;

/* Takes the descriptor, also when it fails. Gives the file. */
int linux_pipe_file(int fd, struct file **ret_file);

/* Our own standard input and output; the descriptors stay open. Give the file. */
int linux_input_file(struct file **ret_file);
int linux_output_file(struct file **ret_file);

#endif
