/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA-256 through OpenSSL, the key set once and the context used again. */
#include "chunk/digest.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "base/own.h"

struct digester {
	EVP_MAC_CTX *keyed;
};

int digester_new(const uint8_t id_key[32], struct digester **ret_digester)
{
	char hash[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	struct digester *digester = calloc(1, sizeof(*digester));
	if (mac && digester)
		digester->keyed = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	if (!digester || !digester->keyed ||
		EVP_MAC_init(digester->keyed, id_key, 32, params) != 1) {
		digester_free(digester);
		return -ENOMEM;
	}
	*ret_digester = digester;
	return 0;
}

void digester_free(struct digester *digester)
{
	if (digester)
		EVP_MAC_CTX_free(digester->keyed);
	free(digester);
}

int digest_of(struct digester *digester, enum chunk_kind kind, const void *bytes, size_t len,
	struct digest *ret_digest)
{
	uint8_t kind_byte = (uint8_t)kind;
	struct digest digest;
	size_t out = 0;
	if (EVP_MAC_init(digester->keyed, NULL, 0, NULL) != 1 ||
		EVP_MAC_update(digester->keyed, &kind_byte, 1) != 1 ||
		EVP_MAC_update(digester->keyed, bytes, len) != 1 ||
		EVP_MAC_final(digester->keyed, digest.b, &out, sizeof(digest.b)) != 1 ||
		out != sizeof(digest.b))
		return -EIO;
	*ret_digest = digest;
	return 0;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return CRYPTO_memcmp(a->b, b->b, sizeof(a->b)) == 0;
}
