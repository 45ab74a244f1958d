/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures against those that AWS publishes: its test suite, and the examples of the S3 API. */
#include "place/sigv4.h"

#include <errno.h>
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "base/test.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct sigv4_key suite = {
	"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service"};
static const struct sigv4_key s3 = {
	"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3"};

static void check(const struct sigv4_request *request, const struct sigv4_key *key,
	const char *names, const char *signature)
{
	OWN(str_done) struct str value = {0}, want = {0};
	CHECK_EQ(sigv4_authorize(request, key, &value), 0);
	str_addf(&want,
		"AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, SignedHeaders=%s, "
		"Signature=%s",
		key->access_key, request->time, key->service, names, signature);
	CHECK_STR(str_text(&value), str_text(&want));
}

TEST(the_test_suite_of_aws)
{
	static const struct sigv4_pair headers[] = {
		{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}};
	static const struct sigv4_pair query[] = {{"Param2", "value2"}, {"Param1", "value1"}};
	struct sigv4_request request = {.method = "GET",
		.path = "/",
		.headers = headers,
		.header_count = 2,
		.payload_hash = EMPTY,
		.time = "20150830T123600Z"};
	check(&request, &suite, "host;x-amz-date",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	request.method = "POST";
	check(&request, &suite, "host;x-amz-date",
		"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
	request.method = "GET";
	request.query = query;
	request.query_count = 2;
	check(&request, &suite, "host;x-amz-date",
		"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST(the_examples_of_the_s3_api)
{
	static const struct sigv4_pair get[] = {{"Host", "examplebucket.s3.amazonaws.com"},
		{"Range", "bytes=0-9"}, {"x-amz-content-sha256", EMPTY},
		{"x-amz-date", "20130524T000000Z"}};
	static const char body[] = "Welcome to Amazon S3.";
	char hash[SIGV4_HASH];
	struct sigv4_request request = {.method = "GET",
		.path = "/test.txt",
		.headers = get,
		.header_count = 4,
		.payload_hash = EMPTY,
		.time = "20130524T000000Z"};
	check(&request, &s3, "host;range;x-amz-content-sha256;x-amz-date",
		"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

	CHECK_EQ(sigv4_hash(body, sizeof(body) - 1, hash), 0);
	const struct sigv4_pair put[] = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
		{"Host", "examplebucket.s3.amazonaws.com"}, {"x-amz-date", "20130524T000000Z"},
		{"x-amz-storage-class", "REDUCED_REDUNDANCY"}, {"x-amz-content-sha256", hash}};
	OWN(str_done) struct str path = {0};
	sigv4_encode(&path, "/test$file.text", true);
	CHECK_STR(path.at, "/test%24file.text");
	request = (struct sigv4_request){.method = "PUT",
		.path = path.at,
		.headers = put,
		.header_count = 5,
		.payload_hash = hash,
		.time = "20130524T000000Z"};
	check(&request, &s3, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
		"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(queries_of_the_s3_api)
{
	static const struct sigv4_pair headers[] = {{"Host", "examplebucket.s3.amazonaws.com"},
		{"x-amz-content-sha256", EMPTY}, {"x-amz-date", "20130524T000000Z"}};
	static const struct sigv4_pair lifecycle[] = {{"lifecycle", ""}};
	static const struct sigv4_pair list[] = {{"prefix", "J"}, {"max-keys", "2"}};
	struct sigv4_request request = {.method = "GET",
		.path = "/",
		.headers = headers,
		.header_count = 3,
		.payload_hash = EMPTY,
		.time = "20130524T000000Z",
		.query = lifecycle,
		.query_count = 1};
	check(&request, &s3, "host;x-amz-content-sha256;x-amz-date",
		"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
	request.query = list;
	request.query_count = 2;
	check(&request, &s3, "host;x-amz-content-sha256;x-amz-date",
		"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(too_much_is_refused)
{
	struct sigv4_pair many[SIGV4_PAIRS_MAX + 1];
	OWN(str_done) struct str value = {0};
	for (size_t i = 0; i <= SIGV4_PAIRS_MAX; i++)
		many[i] = (struct sigv4_pair){"a", "b"};
	struct sigv4_request request = {.method = "GET",
		.path = "/",
		.headers = many,
		.header_count = SIGV4_PAIRS_MAX + 1,
		.payload_hash = EMPTY};
	CHECK_EQ(sigv4_authorize(&request, &s3, &value), -EINVAL);
}

TEST_MAIN
