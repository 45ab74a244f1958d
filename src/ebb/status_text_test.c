/* SPDX-License-Identifier: Apache-2.0 */
/* The status as people read it. */
#include "ebb/status_text.h"

#include <jansson.h>

#include "base/own.h"
#include "base/str.h"
#include "base/test.h"

static void shows(const char *status, bool color, const char *expected)
{
	OWN(str_done) struct str text = {0};
	json_t *document = json_loads(status, 0, NULL);
	CHECK(document);
	status_text(document, color, &text);
	json_decref(document);
	CHECK_STR(str_text(&text), expected);
}

TEST(well)
{
	shows("{\"node\":\"a\",\"region\":\"home\",\"version\":\"0.1.0\",\"boot\":3,"
	      "\"previous_close\":\"orderly\",\"started\":\"2026-11-21T08:00:00.000Z\","
	      "\"uptime\":7985.2,\"tick\":10.0,\"ticks\":798,\"ticks_skipped\":2,"
	      "\"last_tick\":0.0012,\"degraded\":null,\"host_error\":null,"
	      "\"host\":{\"cpu_share\":0.123,\"memory\":17179869184,"
	      "\"memory_available\":3328599654,\"busiest_disk\":{\"name\":\"vda\","
	      "\"busy_share\":0.5},\"pressure\":{\"cpu\":{\"some\":0.01,\"full\":0.0},"
	      "\"memory\":null,\"io\":{\"some\":0.2,\"full\":0.1}}},"
	      "\"config\":{\"path\":\"/etc/ebb/ebb.yaml\",\"hash\":\"00\"}}",
		false,
		"a is well: up 2h13m, looks around every 10s\n"
		"  node      a in home, ebb 0.1.0\n"
		"  started   2026-11-21T08:00:00.000Z, boot 3, the one before ended: orderly\n"
		"  ticks     798, the last one took 1.2ms, 2 skipped\n"
		"  load      cpu 12 %, memory 3.1 GiB of 16.0 GiB free, busiest disk vda 50 %\n"
		"  pressure  cpu 1.0 %, io 20.0 %\n"
		"  config    /etc/ebb/ebb.yaml\n");
}

TEST(degraded_tells_its_whole_reason_safely)
{
	shows("{\"node\":\"a\",\"degraded\":\"the file node.log in /var/lib/ebb cannot be written "
	      "any more: no space is left on device \\u001b[2J \\u00fc\",\"host_error\":\"/proc\"}",
		true,
		"\033[33ma is degraded:\033[0m the file node.log in /var/lib/ebb cannot be written "
		"any more: no space is left on device \\x1b[2J \xc3\xbc\n"
		"  node      a in , ebb \n"
		"  started   , boot 0, the one before ended: \n"
		"  ticks     0, the last one took 0.0ms\n"
		"  load      cannot be read: /proc\n"
		"  config    all defaults\n");
}

TEST(nonsense_is_shown_as_nothing)
{
	shows("{\"node\":7,\"uptime\":-1e300,\"tick\":1e300,\"ticks\":\"x\",\"host\":[],"
	      "\"config\":null}",
		true,
		"\033[32m is well:\033[0m up 0.0ms, looks around every 0.0ms\n"
		"  node       in , ebb \n"
		"  started   , boot 0, the one before ended: \n"
		"  ticks     0, the last one took 0.0ms\n"
		"  load      known after two ticks\n"
		"  config    all defaults\n");
}

TEST_MAIN
