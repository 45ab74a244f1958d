/* SPDX-License-Identifier: Apache-2.0 */
/* signalfd(2): a blocked signal is read like bytes. */
#include "os/linux/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "os/linux/fd.h"
#include "os/linux/loop.h"

/* SIGCHLD must not be ignored, or the kernel forgets how children ended. */
static const struct {
	int signal;
	void (*handler)(int);
} dispositions[] = {{SIGPIPE, SIG_IGN}, {SIGXFSZ, SIG_IGN}, {SIGCHLD, SIG_DFL}};

enum { DISPOSITIONS = sizeof(dispositions) / sizeof(dispositions[0]) };

struct signals {
	struct linux_loop *loop;
	struct watch watch;
	signal_fn *fn;
	void *arg;
	sigset_t mask_before;
	struct sigaction before[DISPOSITIONS];
};

/* One signal a turn: the owner may close us meanwhile. */
static void on_signal(struct watch *watch, uint32_t events)
{
	struct signals *signals = container_of(watch, struct signals, watch);
	struct signalfd_siginfo info;
	(void)events;
	if (read(watch->fd, &info, sizeof(info)) == sizeof(info))
		signals->fn(signals->arg, (int)info.ssi_signo);
}

static void change_process(struct signals *signals, const sigset_t *mask)
{
	must(pthread_sigmask(SIG_BLOCK, mask, &signals->mask_before) == 0);
	for (size_t i = 0; i < DISPOSITIONS; i++) {
		struct sigaction action = {.sa_handler = dispositions[i].handler};
		must(sigaction(dispositions[i].signal, &action, &signals->before[i]) == 0);
	}
}

int signals_open(
	struct loop *loop, signal_fn *fn, void *arg, struct signals **ret_signals, struct why *why)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGUSR1);
	OWN(own_free) struct signals *signals = malloc(sizeof(*signals));
	if (!signals)
		return why_errno(why, -ENOMEM, "signals on the loop");
	OWN(fd_close) int fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return why_errno(why, -errno, "signalfd(2) for signals on the loop");
	*signals = (struct signals){
		.loop = linux_loop_of(loop),
		.watch = {.fd = fd, .fn = on_signal},
		.fn = fn,
		.arg = arg,
	};
	int err = watch_add(signals->loop, &signals->watch, EPOLLIN);
	if (err)
		return why_errno(why, err, "signals on the loop");
	change_process(signals, &mask);
	fd_take(&fd);
	*ret_signals = TAKE(signals);
	return 0;
}

void signals_close(struct signals *signals)
{
	if (!signals)
		return;
	watch_remove(signals->loop, &signals->watch);
	close(signals->watch.fd);
	for (size_t i = 0; i < DISPOSITIONS; i++)
		must(sigaction(dispositions[i].signal, &signals->before[i], NULL) == 0);
	must(pthread_sigmask(SIG_SETMASK, &signals->mask_before, NULL) == 0);
	free(signals);
}
