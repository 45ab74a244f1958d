/* SPDX-License-Identifier: Apache-2.0 */
/* posix_spawn with a pipe; the terminal with its echo off. */
#include "os/linux/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/own.h"
#include "base/why.h"
#include "os/linux/fd.h"

/* Up to `cap` bytes until the end. The count, or a negative errno. */
static ssize_t read_all(int fd, char *to, size_t cap)
{
	size_t len = 0;
	while (len < cap) {
		ssize_t n = read(fd, to + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int start(const char *const *argv, int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int err = posix_spawn_file_actions_init(&actions);
	if (err)
		return -err;
	err = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, out, 1);
	/* posix_spawn takes its words as pointers to non-const and only reads them. */
	if (!err)
		err = posix_spawnp(
			ret_pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

static int await(pid_t pid, const char *name, struct why *why)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return why_errno(why, -errno, "%s", name);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return WIFEXITED(status)
		? why_set(why, -ECHILD, "%s ended with code %d", name, WEXITSTATUS(status))
		: why_set(why, -ECHILD, "%s was ended by signal %d", name, WTERMSIG(status));
}

int capture_output(
	const char *const *argv, char *ret_text, size_t cap, size_t *ret_len, struct why *why)
{
	int ends[2];
	pid_t pid;
	if (pipe2(ends, O_CLOEXEC))
		return why_errno(why, -errno, "%s", argv[0]);
	OWN(fd_close) int in = ends[0];
	int err = start(argv, ends[1], &pid);
	close(ends[1]);
	if (err)
		return why_errno(why, err, "%s", argv[0]);
	ssize_t n = read_all(in, ret_text, cap);
	fd_close(&in);
	err = await(pid, argv[0], why);
	if (n < 0)
		return why_errno(why, (int)n, "%s", argv[0]);
	if ((size_t)n == cap)
		return why_set(why, -EFBIG, "%s printed more than %zu bytes", argv[0], cap - 1);
	if (err)
		return err;
	ret_text[n] = '\0';
	*ret_len = (size_t)n;
	return 0;
}

/* One line without its end. */
static ssize_t read_line(int fd, char *to, size_t cap)
{
	for (size_t len = 0; len < cap; len++) {
		ssize_t n = read(fd, to + len, 1);
		if (n < 0)
			return -errno;
		if (n == 0 || to[len] == '\n')
			return (ssize_t)len;
	}
	return -EFBIG;
}

int capture_hidden(const char *prompt, char *ret_text, size_t cap, size_t *ret_len, struct why *why)
{
	struct termios shown, hidden;
	OWN(fd_close) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0 || tcgetattr(tty, &shown))
		return why_set(why, -ENOTTY, "there is no terminal to ask on");
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	(void)!write(tty, prompt, strlen(prompt));
	if (tcsetattr(tty, TCSAFLUSH, &hidden))
		return why_errno(why, -errno, "/dev/tty");
	ssize_t n = read_line(tty, ret_text, cap);
	tcsetattr(tty, TCSAFLUSH, &shown);
	(void)!write(tty, "\n", 1);
	if (n < 0)
		return why_errno(why, (int)n, "/dev/tty");
	ret_text[n] = '\0';
	*ret_len = (size_t)n;
	return 0;
}
