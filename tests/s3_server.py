# SPDX-License-Identifier: Apache-2.0

"""An S3 server in memory that fails as it is told: real HTTP on loopback, signatures checked.

A fault is a function of (server, handler, request) that is asked before each request is answered.
It returns None to let the request pass, or answers, breaks or twists it and returns DONE.
"""
import datetime
import hashlib
import http.server
import socket
import struct
import threading
import time
import urllib.parse
import xml.etree.ElementTree
from xml.sax.saxutils import escape

import s3_client

DONE = "done"
PAGE = 1000


def iso(moment):
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%S.000Z")


class Stored:
    def __init__(self, body, headers):
        self.body, self.modified = body, time.time()
        self.etag = '"' + hashlib.md5(body).hexdigest() + '"'
        self.meta = {k: v for k, v in headers.items() if k.lower().startswith("x-amz-meta-")}
        self.storage_class = headers.get("x-amz-storage-class")


class Upload:
    """In parts, not completed."""

    def __init__(self, request):
        self.key, self.headers, self.parts, self.began = request.key, request.headers, {}, \
            time.time()


class Request:
    def __init__(self, handler):
        self.method = handler.command
        path, _, self.query_text = handler.path.partition("?")
        self.path = path
        parts = urllib.parse.unquote(path).split("/", 2)
        self.bucket, self.key = parts[1], parts[2] if len(parts) > 2 else ""
        self.query = dict(urllib.parse.parse_qsl(self.query_text, keep_blank_values=True))
        self.headers = handler.headers
        self.length = int(handler.headers.get("Content-Length") or 0)
        self.body = b""

    @property
    def is_list(self):
        return self.method == "GET" and "list-type" in self.query

    @property
    def is_put(self):
        return self.method == "PUT" and not self.query


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # headers and body leave together
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, BrokenPipeError, TimeoutError):
            self.close_connection = True

    def answer(self, status, body=b"", headers=None):
        self.send_response(status)
        headers = {"Content-Length": str(len(body)), **(headers or {})}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        return DONE

    def refuse(self, status, code, headers=None):
        return self.answer(status, f"<Error><Code>{code}</Code><Message>words</Message></Error>"
                           .encode(), headers)

    def cut(self):
        """Resets the connection: nothing that was written and not yet read arrives."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        self.connection.close()
        return DONE

    def handle_any(self):
        server, request = self.server, Request(self)
        with server.lock:
            server.count += 1
            server.seen.append((request.method, request.path, request.query_text))
        for fault in server.faults:
            if fault(server, self, request) == DONE:
                return
        self.read_body(request)
        server.serve(self, request)

    def read_body(self, request):
        """All of it, or what came before the client was gone."""
        if request.body:
            return
        pieces = []
        while request.length > sum(map(len, pieces)):
            left = request.length - sum(map(len, pieces))
            piece = self.rfile.read(min(left, self.server.take))
            if not piece:
                break
            self.server.received(request, len(piece))
            pieces.append(piece)
        request.body = b"".join(pieces)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    conditional = True
    take = 1 << 16
    pace = 0  # seconds for each piece that is taken
    least_part = 5 << 20

    def __init__(self, *faults):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults, self.count, self.seen = list(faults), 0, []
        self.lock = threading.RLock()
        self.objects, self.uploads, self.bytes_in = {}, {}, {}
        self.turn = threading.Lock()
        self.port = self.server_address[1]
        self.client = s3_client.Client(self.port, "test", "testsecret")
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, *_):
        pass

    def stop(self):
        self.shutdown()
        self.server_close()

    def received(self, request, count):
        """So many bytes of its body more, by whatever connection: one link for all."""
        with self.lock:
            if request.method == "PUT":
                self.bytes_in[request.key] = self.bytes_in.get(request.key, 0) + count
        if self.pace:
            with self.turn:
                time.sleep(self.pace)

    def signed(self, request):
        told = request.headers.get("Authorization", "")
        names = told.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        if hashlib.sha256(request.body).hexdigest() != request.headers["x-amz-content-sha256"]:
            return False
        want = self.client.signature(request.method, request.path, request.query_text,
                                     {n: request.headers.get(n, "") for n in names},
                                     request.headers["x-amz-content-sha256"],
                                     request.headers["x-amz-date"])
        return told.endswith("Signature=" + want)

    def serve(self, handler, request):
        if not self.signed(request):
            return handler.refuse(403, "SignatureDoesNotMatch")
        if request.bucket != "bucket":
            return handler.refuse(404, "NoSuchBucket")
        with self.lock:
            if request.is_list:
                return self.list(handler, request)
            if request.method == "GET" and "uploads" in request.query:
                return self.list_uploads(handler, request)
            if request.method == "GET" and "uploadId" in request.query:
                return self.list_parts(handler, request)
            return getattr(self, "on_" + request.method.lower())(handler, request)

    def list(self, handler, request, truncate=None, token=None, count=None):
        prefix = request.query.get("prefix", "")
        after = request.query.get("continuation-token", "")
        size = int(request.query.get("max-keys", PAGE))
        keys = sorted(k for k in self.objects if k.startswith(prefix) and k > after)
        page = keys[:size]
        more = len(keys) > size if truncate is None else truncate
        token = (page[-1] if page else "") if token is None else token
        body = ["<?xml version='1.0' encoding='UTF-8'?><ListBucketResult xmlns='http://s3.amazonaws"
                f".com/doc/2006-03-01/'><IsTruncated>{str(more).lower()}</IsTruncated>"
                f"<KeyCount>{len(page) if count is None else count}</KeyCount>"]
        if more and token:
            body.append(f"<NextContinuationToken>{escape(token)}</NextContinuationToken>")
        for key in page:
            stored = self.objects[key]
            body.append(f"<Contents><Key>{urllib.parse.quote(key)}</Key><LastModified>"
                        f"{iso(stored.modified)}</LastModified><ETag>{escape(stored.etag)}</ETag>"
                        f"<Size>{len(stored.body)}</Size></Contents>")
        body.append("</ListBucketResult>")
        return handler.answer(200, "".join(body).encode())

    def list_uploads(self, handler, request):
        prefix = request.query.get("prefix", "")
        after = (request.query.get("key-marker", ""), request.query.get("upload-id-marker", ""))
        found = sorted((u.key, name) for name, u in self.uploads.items()
                       if u.key.startswith(prefix) and (u.key, name) > after)
        page, more = found[:PAGE], len(found) > PAGE
        body = ["<ListMultipartUploadsResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"
                f"<Bucket>bucket</Bucket><IsTruncated>{str(more).lower()}</IsTruncated>"]
        if more:
            body.append(f"<NextKeyMarker>{urllib.parse.quote(page[-1][0])}</NextKeyMarker>"
                        f"<NextUploadIdMarker>{page[-1][1]}</NextUploadIdMarker>")
        for key, name in page:
            body.append(f"<Upload><Key>{urllib.parse.quote(key)}</Key><UploadId>{name}</UploadId>"
                        f"<Initiated>{iso(self.uploads[name].began)}</Initiated></Upload>")
        body.append("</ListMultipartUploadsResult>")
        return handler.answer(200, "".join(body).encode())

    def list_parts(self, handler, request):
        upload = self.uploads.get(request.query["uploadId"])
        if upload is None:
            return handler.refuse(404, "NoSuchUpload")
        parts = "".join(
            f"<Part><PartNumber>{n}</PartNumber><ETag>{escape(part.etag)}</ETag>"
            f"<Size>{len(part.body)}</Size></Part>" for n, part in sorted(upload.parts.items()))
        return handler.answer(200, ("<ListPartsResult><IsTruncated>false</IsTruncated>"
                                    f"{parts}</ListPartsResult>").encode())

    def on_get(self, handler, request):
        stored = self.objects.get(request.key)
        if not stored:
            return handler.refuse(404, "NoSuchKey")
        headers = {**stored.meta, "ETag": stored.etag}
        wanted = request.headers.get("Range")
        if not wanted:
            return handler.answer(200, stored.body, headers)
        first, last = (int(n) for n in wanted[6:].split("-"))
        if first >= len(stored.body):
            return handler.refuse(416, "InvalidRange")
        part = stored.body[first:last + 1]
        headers["Content-Range"] = \
            f"bytes {first}-{first + len(part) - 1}/{len(stored.body)}"
        return handler.answer(206, part, headers)

    def on_head(self, handler, request):
        stored = self.objects.get(request.key)
        if not stored:
            return handler.answer(404)
        return handler.answer(200, b"", {**stored.meta, "ETag": stored.etag,
                                         "Content-Length": str(len(stored.body))})

    def on_put(self, handler, request):
        if "uploadId" in request.query:
            upload = self.uploads.get(request.query["uploadId"])
            if upload is None:
                return handler.refuse(404, "NoSuchUpload")
            part = Stored(request.body, {})
            upload.parts[int(request.query["partNumber"])] = part
            return handler.answer(200, b"", {"ETag": part.etag})
        if request.headers.get("If-None-Match") == "*" and self.conditional and \
                request.key in self.objects:
            return handler.refuse(412, "PreconditionFailed")
        stored = self.objects[request.key] = Stored(request.body, request.headers)
        return handler.answer(200, b"", {"ETag": stored.etag})

    def on_post(self, handler, request):
        if "uploads" in request.query:
            name = f"upload-{self.count}"
            self.uploads[name] = Upload(request)
            return handler.answer(200, f"<InitiateMultipartUploadResult><UploadId>{name}"
                                  "</UploadId></InitiateMultipartUploadResult>".encode())
        upload = self.uploads.get(request.query["uploadId"])
        if upload is None:
            return handler.refuse(404, "NoSuchUpload")
        told = [(int(e.findtext("PartNumber")), e.findtext("ETag"))
                for e in xml.etree.ElementTree.fromstring(request.body)]
        parts = [upload.parts.get(number) for number, _ in told]
        if not parts or told != sorted(told) or \
                any(not p or p.etag != etag for p, (_, etag) in zip(parts, told)):
            return handler.refuse(400, "InvalidPart")
        if any(len(part.body) < self.least_part for part in parts[:-1]):
            return handler.refuse(400, "EntityTooSmall")
        del self.uploads[request.query["uploadId"]]
        self.objects[request.key] = Stored(b"".join(p.body for p in parts), upload.headers)
        return handler.answer(200, b"<CompleteMultipartUploadResult><ETag>&quot;x-2&quot;</ETag>"
                              b"</CompleteMultipartUploadResult>")

    def on_delete(self, handler, request):
        if "uploadId" in request.query:
            self.uploads.pop(request.query["uploadId"], None)
        else:
            self.objects.pop(request.key, None)
        return handler.answer(204)


# ---- faults ----

def every(number, fault, wanted=lambda request: True):
    """Of the requests that are wanted, each number-th. How often it struck is in its `hits`."""
    count = [0]

    def maybe(server, handler, request):
        if not wanted(request):
            return None
        with server.lock:
            count[0] += 1
            if count[0] % number:
                return None
            maybe.hits += 1
        return fault(server, handler, request)
    maybe.hits = 0
    return maybe


def busy(_, handler, request):
    handler.read_body(request)
    return handler.refuse(503, "SlowDown", {"Retry-After": "0"})


def broken(_, handler, request):
    handler.read_body(request)
    return handler.refuse(500, "InternalError")


def silent_after(server, handler, request):
    """Does it, and never says so."""
    handler.read_body(request)
    answer, handler.answer = handler.answer, lambda *_: DONE
    server.serve(handler, request)
    handler.answer = answer
    time.sleep(3)
    return handler.cut()


def dribble(_, handler, request):
    """Begins to answer and stops."""
    handler.read_body(request)
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"<")
    handler.wfile.flush()
    time.sleep(3)
    return handler.cut()


def truncated(server, handler, request):
    """Half of the body, then the end of the connection."""
    handler.read_body(request)
    write, half = handler.wfile.write, []

    def write_half(data):
        half.append(data)
        return write(data[:len(data) // 2]) if len(half) > 1 else write(data)
    handler.wfile.write = write_half
    server.serve(handler, request)
    handler.wfile.write = write
    handler.wfile.flush()
    handler.close_connection = True
    return DONE


def reset_upload(_, handler, request):
    """Takes half of what is sent and resets the connection."""
    handler.rfile.read(request.length // 2)
    return handler.cut()


def twisted(**headers):
    """Answers with other headers; a value is a function of the right one."""
    def fault(server, handler, request):
        handler.read_body(request)
        answer = handler.answer

        def lie(status, body=b"", told=None):
            told = dict(told or {})
            for name, change in headers.items():
                name = name.replace("_", "-")
                if name in told:
                    told[name] = change(told[name])
            return answer(status, body, told)
        handler.answer = lie
        server.serve(handler, request)
        handler.answer = answer
        return DONE
    return fault


def listed(**lie):
    """A list that says something else of itself."""
    def fault(server, handler, request):
        handler.read_body(request)
        with server.lock:
            return server.list(handler, request, **lie)
    return fault


def redirect(port):
    def fault(_, handler, request):
        handler.read_body(request)
        return handler.refuse(307, "TemporaryRedirect",
                              {"Location": f"http://127.0.0.1:{port}{handler.path}"})
    return fault
