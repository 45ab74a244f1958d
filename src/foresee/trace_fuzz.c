/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a trace: what is taken is in order and finite, what is refused says where. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/vec.h"
#include "base/why.h"
#include "foresee/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct samples samples = {0};
	struct trace_facts facts;
	struct why why = {""};
	must(text);
	memcpy(text, data, len);
	text[len] = 0;
	const struct trace_options options = {.name = "f"};
	if (trace_read(&options, text, len, &samples, &facts, &why)) {
		must(strncmp(why.text, "f:", 2) == 0);
	} else {
		must(samples.len + facts.gaps == facts.rows);
		for (size_t i = 0; i < samples.len; i++) {
			must(isfinite(samples.at[i].value));
			must(!i || samples.at[i].ms > samples.at[i - 1].ms);
		}
	}
	vec_done(&samples);
	free(text);
	return 0;
}
