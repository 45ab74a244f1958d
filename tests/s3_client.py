# SPDX-License-Identifier: Apache-2.0

"""Requests to an S3 server, signed: what tests ask besides what ebb asks."""
import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree


def _mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Client:
    def __init__(self, port, access, secret, region="us-east-1"):
        self.port, self.access, self.secret, self.region = port, access, secret, region

    def signature(self, method, path, query, headers, payload, now):
        """Of headers with names in lower case; `query` as it is sent."""
        names = ";".join(sorted(headers))
        canonical = "\n".join([method, path, query, *(f"{n}:{headers[n]}" for n in sorted(headers)),
                               "", names, payload])
        text = "\n".join(["AWS4-HMAC-SHA256", now, f"{now[:8]}/{self.region}/s3/aws4_request",
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.secret).encode()
        for part in (now[:8], self.region, "s3", "aws4_request"):
            key = _mac(key, part)
        return _mac(key, text).hex()

    def authorize(self, method, path, query, headers, body):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        payload = hashlib.sha256(body).hexdigest()
        headers = {**headers, "Host": f"127.0.0.1:{self.port}", "x-amz-date": now,
                   "x-amz-content-sha256": payload}
        low = {name.lower(): value for name, value in headers.items()}
        signature = self.signature(method, path, query, low, payload, now)
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access}/{now[:8]}/{self.region}/s3/aws4_request, "
            f"SignedHeaders={';'.join(sorted(low))}, Signature={signature}")
        return headers

    def call(self, method, path, query=None, headers=None, body=b""):
        """(status, headers, body)"""
        path = urllib.parse.quote(path)
        pairs = "&".join(f"{urllib.parse.quote(k, safe='')}={urllib.parse.quote(v, safe='')}"
                         for k, v in sorted((query or {}).items()))
        headers = self.authorize(method, path, pairs, headers or {}, body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path + ("?" + pairs if pairs else ""), body, headers)
        answer = connection.getresponse()
        result = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return result

    def must(self, method, path, **more):
        status, headers, body = self.call(method, path, **more)
        assert status // 100 == 2, f"{method} {path}: {status} {body[:500]}"
        return headers, body

    def keys(self, bucket, prefix=""):
        """All keys, by pages."""
        found, token = [], None
        while True:
            query = {"list-type": "2", "prefix": prefix}
            if token:
                query["continuation-token"] = token
            _, body = self.must("GET", f"/{bucket}", query=query)
            page = xml.etree.ElementTree.fromstring(body)
            found += [e.text for e in page.iter() if e.tag.split("}")[-1] == "Key"]
            tokens = [e.text for e in page.iter()
                      if e.tag.split("}")[-1] == "NextContinuationToken"]
            if not tokens:
                return found
            token = tokens[0]
