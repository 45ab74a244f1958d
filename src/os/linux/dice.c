/* SPDX-License-Identifier: Apache-2.0 */
/* getrandom(2), proved once at the start: what worked then works later. */
#include "os/linux/dice.h"

#include <errno.h>
#include <sys/random.h>

#include "base/must.h"
#include "base/why.h"

static int fill(void *bytes, size_t len)
{
	char *to = bytes;
	while (len) {
		ssize_t n = getrandom(to, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		to += n;
		len -= (size_t)n;
	}
	return 0;
}

static void linux_fill(struct dice *dice, void *bytes, size_t len)
{
	(void)dice;
	must(fill(bytes, len) == 0);
}

int linux_dice_init(struct dice *dice, struct why *why)
{
	static const struct dice_ops ops = {.fill = linux_fill};
	uint64_t first;
	int err = fill(&first, sizeof(first));
	if (err)
		return why_errno(why, err, "getrandom(2), the source of random bytes");
	dice->ops = &ops;
	return 0;
}
