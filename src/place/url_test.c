/* SPDX-License-Identifier: Apache-2.0 */
/* Names of places: what is understood, and what each mistake is told. */
#include "place/url.h"

#include <errno.h>

#include "base/test.h"
#include "base/why.h"

TEST(paths_and_file_urls_are_folders)
{
	struct place_url url;
	struct why why;
	CHECK_EQ(place_url_read("/mnt/a b%20c", &url, &why), 0);
	CHECK_EQ(url.kind, PLACE_DIR);
	CHECK_STR(url.path, "/mnt/a b%20c");
	CHECK_EQ(place_url_read("beside/me", &url, &why), 0);
	CHECK_STR(url.path, "beside/me");
	CHECK_EQ(place_url_read("file:///mnt/a%20b%2a", &url, &why), 0);
	CHECK_STR(url.path, "/mnt/a b*");
	CHECK_EQ(place_url_read("a:b//c", &url, &why), 0);
	CHECK_STR(url.path, "a:b//c");
}

static void refused(const char *text, const char *words)
{
	struct place_url url;
	struct why why = {""};
	CHECK_EQ(place_url_read(text, &url, &why), -EINVAL);
	CHECK_STR(why.text, words);
}

TEST(mistakes_are_told)
{
	char longer[PLACE_PATH + 8];
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	refused("", "a place has a name");
	refused(longer, "the path is too long");
	refused("file://host/path",
		"file:// wants a whole path behind it, as in file:///mnt/backup");
	refused("file:///a%2", "the path is too long, or has a broken % escape");
	refused("file:///a%00b", "the path is too long, or has a broken % escape");
	refused("sftp://host/x",
		"'sftp://' is no kind of place; a path, file:// and s3:// are known");
}

TEST(buckets_with_their_options)
{
	struct place_url url;
	struct why why = {""};
	CHECK_EQ(
		place_url_read("s3://bucket-1/a/b/?endpoint=https://s3.example.org:443/&region=eu-1"
			       "&data-class=GLACIER_IR&timeout=5s&addressing=host",
			&url, &why),
		0);
	CHECK_EQ(url.kind, PLACE_S3);
	CHECK_STR(url.s3.bucket, "bucket-1");
	CHECK_STR(url.s3.prefix, "a/b");
	CHECK_STR(url.s3.host, "s3.example.org");
	CHECK_STR(url.s3.region, "eu-1");
	CHECK_STR(url.s3.data_class, "GLACIER_IR");
	CHECK_EQ(url.s3.stall_ns, 5000000000);
	CHECK(url.s3.tls && url.s3.by_host);
	CHECK_EQ(s3_url_finish(&url.s3, "http://elsewhere", "other", &why), 0);
	CHECK_STR(url.s3.host, "s3.example.org");
	CHECK_STR(url.s3.region, "eu-1");
}

TEST(buckets_at_amazon)
{
	struct place_url url;
	struct why why = {""};
	CHECK_EQ(place_url_read("s3://bucket", &url, &why), 0);
	CHECK_EQ(s3_url_finish(&url.s3, NULL, "eu-west-1", &why), 0);
	CHECK_STR(url.s3.host, "s3.eu-west-1.amazonaws.com");
	CHECK(url.s3.tls && url.s3.by_host);
	CHECK_EQ(place_url_read("s3://bucket.name/x", &url, &why), 0);
	CHECK_EQ(s3_url_finish(&url.s3, NULL, NULL, &why), 0);
	CHECK_STR(url.s3.host, "s3.us-east-1.amazonaws.com");
	CHECK(!url.s3.by_host);
}

TEST(without_tls_only_to_this_machine)
{
	struct place_url url;
	struct why why = {""};
	CHECK_EQ(place_url_read("s3://bucket?endpoint=http://127.0.0.1:80", &url, &why), 0);
	CHECK_EQ(s3_url_finish(&url.s3, NULL, NULL, &why), 0);
	CHECK_STR(url.s3.host, "127.0.0.1");
	CHECK_EQ(place_url_read("s3://bucket", &url, &why), 0);
	CHECK_EQ(s3_url_finish(&url.s3, "http://far:9000", NULL, &why), -EINVAL);
	CHECK_STR(why.text,
		"far:9000: http:// shows requests to everybody on the way; use "
		"https://, or add cleartext=yes");
	CHECK_EQ(s3_url_finish(&url.s3, NULL, NULL, &why), -EINVAL);
	CHECK_EQ(
		place_url_read("s3://bucket?endpoint=http://127.0.0.1.example.org", &url, &why), 0);
	CHECK_EQ(s3_url_finish(&url.s3, NULL, NULL, &why), -EINVAL);
	CHECK_EQ(place_url_read("s3://bucket?cleartext=yes", &url, &why), 0);
	CHECK_EQ(s3_url_finish(&url.s3, "http://far:9000", NULL, &why), 0);
}

TEST(mistakes_in_buckets_are_told)
{
	refused("s3://", "s3:// wants a bucket: 3 to 63 small letters, digits, dashes and dots");
	refused("s3://Big", "s3:// wants a bucket: 3 to 63 small letters, digits, dashes and dots");
	refused("s3://abc/a/../b",
		"what follows the bucket may be letters, digits and ._-/, and "
		"256 of them");
	refused("s3://abc?endpoint=ftp://x",
		"the endpoint is https://HOST[:PORT], or http:// on "
		"this machine");
	refused("s3://abc?endpoint=https://u:p@x",
		"the endpoint is https://HOST[:PORT] and no more");
	refused("s3://abc?key=1",
		"'key' is no option of s3: endpoint, region, addressing, profile, "
		"data-class, meta-class, timeout, versions, cleartext");
	refused("s3://abc?cleartext=no", "cleartext: this is no value for it");
	refused("s3://abc?timeout=5", "timeout: duration '5' lacks a unit: write 5s, 5m or 5h");
	refused("s3://abc?region", "options are NAME=VALUE, with & between them");
}

TEST_MAIN
