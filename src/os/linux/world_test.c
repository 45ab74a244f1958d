/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worlds where a container's filter forbids a system call: each in a child of its own, because a
 * filter stays for ever.
 */
#include "os/linux/world.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/test.h"
#include "base/why.h"
#include "os/aio.h"
#include "os/linux/scratch_test.h"

enum { NO_FILTERS = 77 };

/* From here on `number` answers `err`. */
static bool forbid(long number, int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* What the world of a child says where the call is forbidden: an engine's name, or why not. */
static const char *open_where(long forbidden, int with, char said[400])
{
	int ends[2], status;
	struct scratch scratch;
	scratch_open(&scratch, NULL);
	CHECK_EQ(pipe(ends), 0);
	linux_world_close(scratch.lw); /* no thread is alive when the child is made */
	scratch.lw = NULL;
	pid_t pid = fork();
	if (pid == 0) {
		const struct linux_options options = {0};
		struct why why = {0};
		if (!forbid(forbidden, with))
			_exit(NO_FILTERS);
		int err = linux_world_open(scratch.state, &options, &scratch.lw, &why);
		const char *text = err ? why.text : aio_name(linux_world(scratch.lw)->aio);
		_exit(write(ends[1], text, strlen(text) + 1) < 0);
	}
	close(ends[1]);
	ssize_t len = read(ends[0], said, 400);
	close(ends[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	scratch_close(&scratch);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTERS)
		test_skip("system calls cannot be filtered here");
	CHECK_EQ(status, 0);
	CHECK(len > 0);
	return said;
}

TEST(threads_do_the_work_where_io_uring_is_forbidden)
{
	char said[400];
	CHECK_STR(open_where(SYS_io_uring_setup, EPERM, said), "threads");
	CHECK_STR(open_where(SYS_io_uring_setup, ENOSYS, said), "threads");
}

/* What is not a refusal must not look like one. */
TEST(a_failing_io_uring_is_told)
{
	char said[400];
	const char *text = open_where(SYS_io_uring_setup, EMFILE, said);
	if (strcmp(text, "threads") == 0)
		test_skip("built without io_uring");
	CHECK_STR(text, "io_uring_setup(2) for file I/O: Too many open files");
}

TEST(without_openat2_there_is_no_world)
{
	char said[400];
	open_where(SYS_openat2, ENOSYS, said);
	CHECK(str_starts(said, "openat2(2), which keeps file names beneath "));
	CHECK(strstr(said,
		"(kernel 5.6 or later, and allowed by the container's filter): Function not "
		"implemented"));
}

TEST_MAIN
