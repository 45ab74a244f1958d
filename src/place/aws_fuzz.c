/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a credentials file: keys that can be sent, or a refusal. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "place/aws.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	OWN(own_free) char *text = strndup((const char *)bytes, len);
	OWN(aws_keys_done) struct aws_keys keys = {0};
	struct why why = {""};
	must(text);
	if (aws_keys_read(text, "default", &keys, &why))
		must(*why.text);
	else
		must(*keys.access_key && *keys.secret_key && !strpbrk(keys.secret_key, " \r\n"));
	return 0;
}
