/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One open file of the Linux disk.
 *
 * Any thread; one writer at a time for each file.
 */
#ifndef EBB_OS_LINUX_FILE_H
#define EBB_OS_LINUX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct file;

/* Takes the descriptor of a plain file when it answers 0; gives the file. */
int linux_file_new(int fd, struct file **ret_file);

/* The descriptor behind a file; borrowed. It is a bug to ask for another world's. */
int linux_file_fd(struct file *file);

/*
 * Reads or writes if that needs no waiting: -EAGAIN when it does, or when the kernel cannot say so
 * for this file. One thread at a time for each file.
 */
ssize_t linux_file_now(struct file *file, bool write, void *bytes, size_t len, uint64_t at);

#endif
