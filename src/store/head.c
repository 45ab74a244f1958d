/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and judging the head of a file. */
#include "store/head.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/plant.h"
#include "base/why.h"

enum { LAYOUT_VERSION = 1 };
enum {
	AT_LAYOUT = 8,
	AT_KIND = 12,
	AT_VERSION = 16,
	AT_CAPABILITIES = 20,
	AT_IDENTITY = 24,
	AT_FIRST = 40,
	AT_SECOND = 48,
	AT_CHECKSUM = 56
};

static const uint8_t nobody[IDENTITY_SIZE];

void file_head_put(struct head *head, uint8_t bytes[HEAD_SIZE])
{
	must(memcmp(head->label.identity, nobody, IDENTITY_SIZE) != 0);
	memcpy(bytes, head->magic, HEAD_MAGIC);
	put_le32(bytes + AT_LAYOUT, LAYOUT_VERSION);
	memcpy(bytes + AT_KIND, head->label.kind, sizeof(head->label.kind));
	put_le32(bytes + AT_VERSION, head->label.version);
	put_le32(bytes + AT_CAPABILITIES, 0);
	memcpy(bytes + AT_IDENTITY, head->label.identity, IDENTITY_SIZE);
	put_le64(bytes + AT_FIRST, head->first);
	put_le64(bytes + AT_SECOND, head->second);
	head->checksum = hash64(bytes, AT_CHECKSUM, 0);
	put_le64(bytes + AT_CHECKSUM, head->checksum);
}

/* Whether the bytes are a head of that layout at all, undamaged. */
static int check_whole(const struct head *want, const char *name, const uint8_t *bytes, size_t len,
	struct why *why)
{
	if (len < HEAD_SIZE)
		return why_set(why, -EBADMSG,
			"%s: %zu bytes, shorter than its head: restore it from a copy", name, len);
	if (memcmp(bytes, want->magic, HEAD_MAGIC) != 0)
		return why_set(why, -EBADMSG, "%s: does not begin with \"%.8s\": not a file of ebb",
			name, want->magic);
	if (get_le64(bytes + AT_CHECKSUM) != hash64(bytes, AT_CHECKSUM, 0))
		return why_set(why, -EBADMSG,
			"%s: damaged: wrong checksum of the head at offset 0: restore it from a "
			"copy",
			name);
	return 0;
}

static int newer(
	struct why *why, const char *name, const char *what, uint32_t found, uint32_t known)
{
	return why_set(why, -ENOTSUP,
		"%s: %s %" PRIu32 ", this program knows %" PRIu32
		": written by a newer ebb, use that one",
		name, what, found, known);
}

static int check_label(
	const struct label *want, const char *name, const uint8_t *bytes, struct why *why)
{
	const uint8_t *kind = bytes + AT_KIND;
	if (get_le32(bytes + AT_LAYOUT) > LAYOUT_VERSION)
		return newer(
			why, name, "layout version", get_le32(bytes + AT_LAYOUT), LAYOUT_VERSION);
	if (memcmp(kind, want->kind, sizeof(want->kind)) != 0)
		return why_set(why, -EBADMSG,
			"%s: holds %02x%02x%02x%02x, not \"%.4s\": another file was put in its "
			"place",
			name, kind[0], kind[1], kind[2], kind[3], want->kind);
	if (get_le32(bytes + AT_CAPABILITIES) != 0)
		return newer(why, name, "capabilities", get_le32(bytes + AT_CAPABILITIES), 0);
	if (get_le32(bytes + AT_VERSION) > want->version)
		return newer(
			why, name, "content version", get_le32(bytes + AT_VERSION), want->version);
	if (memcmp(want->identity, nobody, IDENTITY_SIZE) != 0 &&
		memcmp(want->identity, bytes + AT_IDENTITY, IDENTITY_SIZE) != 0)
		return why_set(why, -EBADMSG,
			"%s: belongs to another (identity at offset %d): put back its own", name,
			AT_IDENTITY);
	return 0;
}

int file_head_get(const struct head *want, const char *name, const uint8_t *bytes, size_t len,
	struct head *ret_head, struct why *why)
{
	int err = check_whole(want, name, bytes, len, why);
	if (!err && !planted(HEAD_UNCHECKED))
		err = check_label(&want->label, name, bytes, why);
	if (err)
		return err;
	struct head head = {
		.magic = want->magic,
		.label.version = get_le32(bytes + AT_VERSION),
		.first = get_le64(bytes + AT_FIRST),
		.second = get_le64(bytes + AT_SECOND),
		.checksum = get_le64(bytes + AT_CHECKSUM),
	};
	memcpy(head.label.kind, bytes + AT_KIND, sizeof(head.label.kind));
	memcpy(head.label.identity, bytes + AT_IDENTITY, IDENTITY_SIZE);
	*ret_head = head;
	return 0;
}
