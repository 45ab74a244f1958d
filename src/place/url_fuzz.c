/* SPDX-License-Identifier: Apache-2.0 */
/* Any text is a place's name or is refused with a sentence. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "place/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	OWN(own_free) char *text = strndup((const char *)bytes, len);
	struct place_url url;
	struct why why = {""};
	must(text);
	int err = place_url_read(text, &url, &why);
	must(err ? *why.text != '\0' : url.kind == PLACE_S3 || *url.path != '\0');
	if (!err && url.kind == PLACE_S3 && !s3_url_finish(&url.s3, NULL, NULL, &why))
		must(*url.s3.host && *url.s3.region && *url.s3.bucket);
	return 0;
}
