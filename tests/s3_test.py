# SPDX-License-Identifier: Apache-2.0

"""A repository in a bucket whose server fails: what passes is lived through, what does not is told,
and nothing that was reported done is lost.
"""
import filecmp
import os
import random
import sys
import time
import types

import programs
import s3_server as s3


class Keep:
    """A source, a key and a server, and ebb on them."""

    def __init__(self, place, ebb, *faults):
        self.place, self.ebb = place, ebb
        self.server = s3.Server()
        self.faults = faults
        self.source = place.path("source")
        os.makedirs(os.path.join(self.source, "deep"))
        dice = random.Random(1)
        for name, size in (("a", 3_000_000), ("deep/b", 200_000), ("empty", 0), ("small", 9)):
            with open(os.path.join(self.source, name), "wb") as file:
                file.write(dice.randbytes(size))
        self.env = {"EBB_KEY_FILE": place.path("key"), "HOME": place.folder,
                    "XDG_STATE_HOME": place.path("state"),
                    "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testsecret",
                    "EBB_REPO": f"s3://bucket/p?endpoint=http://127.0.0.1:{self.server.port}"
                                "&timeout=1s"}

    def run(self, *words):
        return programs.run([self.ebb, *words], self.env)

    def must(self, *words):
        code, out, err = self.run(*words)
        assert code == 0, f"{words}: {code}\n{out}{err}"
        return out

    def begin(self):
        assert "keeps a name from being put twice" in self.must("repo", "init")
        self.server.faults = list(self.faults)
        return self

    def restored(self, name="back"):
        """What comes back is what was there."""
        target = self.place.path(name)
        self.must("restore", "latest", target)
        for folder in ("", "deep"):
            left, right = os.path.join(self.source, folder), os.path.join(target, folder)
            assert os.listdir(left).sort() == os.listdir(right).sort()
            files = [f for f in os.listdir(left) if os.path.isfile(os.path.join(left, f))]
            same, other, odd = filecmp.cmpfiles(left, right, files, shallow=False)
            assert len(same) == len(files) and not other and not odd, (other, odd)

    def whole_life(self):
        """Two backups, a check, a restore, all in spite of the faults."""
        self.begin()
        self.must("backup", self.source)
        with open(os.path.join(self.source, "more"), "wb") as file:
            file.write(random.Random(2).randbytes(50_000))
        self.must("backup", self.source)
        self.must("verify")
        self.restored()
        self.server.faults = []
        assert "all of it is as it was written" in self.must("verify")
        assert all(fault.hits for fault in self.faults), "the fault was never met"
        self.server.stop()


def survives(name, doc, *faults):
    def test(place, ebb):
        keep = Keep(place, ebb, *faults)
        keep.whole_life()
    test.__name__, test.__doc__ = name, doc
    return test


def told(name, doc, words, fault, *command):
    """A fault that stays: the command fails with these words; afterwards all is well."""
    def test(place, ebb):
        keep = Keep(place, ebb).begin()
        keep.must("backup", keep.source)
        keep.server.faults = [fault]
        code, out, err = keep.run(*(word.format(source=keep.source) for word in command))
        assert code not in (0, 3) and words in err, f"{code}\n{out}{err}"
        keep.server.faults = []
        assert "all of it is as it was written" in keep.must("verify")
        keep.restored()
        keep.server.stop()
    test.__name__, test.__doc__ = name, doc
    return test


def is_get(request):
    return request.method == "GET" and not request.is_list


def conditions_ignored(place, ebb):
    """a store that ignores conditions: two writers at once, both points are there"""
    keep = Keep(place, ebb).begin()
    keep.server.conditional = False
    other = place.path("other")
    os.mkdir(other)
    with open(os.path.join(other, "x"), "wb") as file:
        file.write(b"x" * 100_000)
    runs = [place.start([ebb, "backup", path], environment=keep.env)
            for path in (keep.source, other, keep.source, other)]
    for run in runs:
        assert run.ended() == 0, run.log()
    out = keep.must("snap", "ls")
    assert out.count("dir/") == 4 and "4 points" in out, out
    assert "all of it is as it was written" in keep.must("verify")
    assert not [k for k in keep.server.objects if "/claim/" in k], "claims are left"
    keep.server.stop()


def a_dead_writers_claim(place, ebb):
    """a claim that a dead writer left holds nobody up for ever"""
    keep = Keep(place, ebb).begin()
    head = max(k for k in keep.server.objects if "/head/" in k)
    following = f"{int(head.rpartition('/')[2], 16) + 1:016x}"
    claim = f"p/claim/head-{following}/{'0' * 32}"
    keep.server.objects[claim] = s3.Stored(b"", {})
    keep.server.objects[claim].modified -= 58
    keep.must("backup", keep.source)
    assert claim not in keep.server.objects
    keep.server.stop()


def no_other_host(place, ebb):
    """a redirect is told, and the host that it names hears nothing"""
    keep = Keep(place, ebb).begin()
    elsewhere = s3.Server()
    keep.server.faults = [s3.redirect(elsewhere.port)]
    code, _, err = keep.run("backup", keep.source)
    assert code == 1 and "the store sends us elsewhere (status 307)" in err, f"{code} {err}"
    assert elsewhere.count == 0
    elsewhere.stop()
    keep.server.stop()


def strangers(place, ebb):
    """who may not come in, a bucket that is not there, keys that are not told: each is said"""
    keep = Keep(place, ebb)
    env, keep.env = keep.env, {**keep.env, "AWS_SECRET_ACCESS_KEY": "wrong"}
    code, _, err = keep.run("repo", "init")
    assert code == 1 and "403 SignatureDoesNotMatch" in err, f"{code} {err}"
    keep.env = {**env, "EBB_REPO": env["EBB_REPO"].replace("//bucket", "//nobucket")}
    code, _, err = keep.run("repo", "init")
    assert code == 10 and "404 NoSuchBucket" in err, f"{code} {err}"
    keep.env = {k: v for k, v in env.items() if k != "AWS_SECRET_ACCESS_KEY"}
    code, _, err = keep.run("repo", "init")
    assert code == 1 and "who are we there?" in err, f"{code} {err}"
    os.mkdir(place.path(".aws"))
    place.write(".aws/credentials", "[default]\naws_access_key_id=test\n"
                "aws_secret_access_key = testsecret\n")
    keep.must("repo", "init")
    keep.server.stop()


def a_list_cut_short(place, ebb):
    """lists of many pages; and one whose pages repeat is no shorter list but an error"""
    s3.PAGE, page = 3, s3.PAGE
    try:
        keep = Keep(place, ebb)
        keep.whole_life()
        keep = Keep(programs.Place(), ebb).begin()
        for _ in range(5):
            keep.must("backup", keep.source)
        keep.server.faults = [s3.every(1, s3.listed(truncate=True, token="p/"),
                                       lambda r: r.is_list and "head" in r.query_text)]
        code, _, err = keep.run("snap", "ls")
        assert code == 1 and "Protocol error" in err, f"{code} {err}"
        keep.server.stop()
        keep.place.close()
    finally:
        s3.PAGE = page


def is_part(request):
    return request.method == "PUT" and "partNumber" in request.query


def is_begin(request):
    return request.method == "POST" and "uploads" in request.query


def is_complete(request):
    return request.method == "POST" and "uploadId" in request.query


def half_told(server, handler, request):
    """Says 200 and then, in the body, that it failed; nothing was done."""
    handler.read_body(request)
    return handler.answer(200, b"<Error><Code>InternalError</Code><Message>words</Message></Error>")


class Cold(Keep):
    """A bucket of a cold class, so that packs are of 64 MiB and go in parts."""

    def __init__(self, place, ebb, *faults):
        super().__init__(place, ebb, *faults)
        self.env["EBB_REPO"] += "&data-class=DEEP_ARCHIVE"
        with open(os.path.join(self.source, "large"), "wb") as file:
            file.write(random.Random(8).randbytes(75_000_000))

    def packs(self):
        return [o for k, o in self.server.objects.items() if k.startswith("p/data/")]


def survives_in_parts(name, doc, *faults):
    def test(place, ebb):
        keep = Cold(place, ebb, *faults)
        keep.whole_life()
        sizes = sorted(len(o.body) for o in keep.packs())
        assert sizes[-1] > 64 << 20, sizes
        assert {o.storage_class for o in keep.packs()} == {"DEEP_ARCHIVE"}
        assert not keep.server.uploads, "parts were left behind"
    test.__name__, test.__doc__ = name, doc
    return test


def told_in_parts(name, doc, words, fault):
    """A fault of parts that stays: no point, no parts left; without it all is well."""
    def test(place, ebb):
        keep = Cold(place, ebb).begin()
        keep.server.faults = [fault]
        code, out, err = keep.run("backup", keep.source)
        assert code not in (0, 3) and words in err, f"{code}\n{out}{err}"
        assert not keep.server.uploads, "parts were left behind"
        keep.server.faults = []
        assert "0 points" in keep.must("snap", "ls")
        keep.must("backup", keep.source)
        assert "all of it is as it was written" in keep.must("verify")
        keep.restored()
        keep.server.stop()
    test.__name__, test.__doc__ = name, doc
    return test


def sizes_of_packs(place, ebb):
    """packs are as large as is said, and what is no size of one is refused"""
    keep = Keep(place, ebb)
    for size in ("64", "1kB", "1GiB", "huge"):
        code, _, err = keep.run("repo", "init", "--pack-size", size)
        assert code == 2 and "--pack-size" in err, f"{code} {err}"
    keep.must("repo", "init", "--pack-size", "1MiB")
    keep.must("backup", keep.source)
    sizes = [len(o.body) for k, o in keep.server.objects.items() if k.startswith("p/data/")]
    assert len(sizes) >= 3 and max(sizes) < 2 << 20, sizes
    keep.restored()
    keep.server.stop()


def dead_uploads(place, ebb):
    """a collection aborts uploads of packs that nobody completes any more, and no others"""
    keep = Keep(place, ebb).begin()
    for name, key, hours in (("old", "p/data/00/x", 49), ("young", "p/data/00/y", 47),
                             ("meta", "p/meta/00/z", 49), ("stranger", "other/data/x", 999)):
        keep.server.uploads[name] = types.SimpleNamespace(
            key=key, headers={}, parts={1: s3.Stored(b"x", {})},
            began=time.time() - hours * 3600)
    keep.must("repo", "gc", "--dry-run")
    assert len(keep.server.uploads) == 4
    keep.must("repo", "gc")
    assert set(keep.server.uploads) == {"young", "stranger"}, keep.server.uploads
    keep.server.stop()


TESTS = [
    dead_uploads,
    sizes_of_packs,
    survives_in_parts("parts", "cold packs of 64 MiB go in parts, each of which may break",
                      s3.every(3, s3.busy, is_part), s3.every(4, s3.reset_upload, is_part),
                      s3.every(5, s3.broken, is_part)),
    survives_in_parts("parts_silent", "a part is taken, and nobody says so",
                      s3.every(2, s3.silent_after, is_part)),
    survives_in_parts("completed_silently", "an upload is completed, and nobody says so",
                      s3.every(1, s3.silent_after, is_complete)),
    survives_in_parts("half_told", "completing is answered with 200 and an error in its body",
                      s3.every(2, half_told, lambda r: is_complete(r) or is_begin(r))),
    told_in_parts("never_a_part", "a store that takes no part is told", "the store answers 503",
                  s3.every(1, s3.busy, is_part)),
    told_in_parts("never_completed", "a store that completes nothing is told", "",
                  s3.every(1, half_told, is_complete)),
    told_in_parts("nameless_parts", "a store that does not name parts is told",
                  "does not name a part", s3.every(1, s3.twisted(ETag=lambda _: "<"), is_part)),
    told_in_parts("cut_object", "a completed object that is shorter is told",
                  "not what was sent",
                  s3.every(1, s3.twisted(Content_Length=lambda n: str(int(n) - 1)),
                           lambda r: r.method == "HEAD")),
    survives("busy", "each third request is refused as too many", s3.every(3, s3.busy)),
    survives("broken", "each third request breaks the server", s3.every(3, s3.broken)),
    survives("silent", "some requests are done and never answered",
             s3.every(9, s3.silent_after, lambda r: r.method in ("PUT", "DELETE"))),
    survives("dribble", "some answers begin and stop", s3.every(11, s3.dribble, is_get)),
    survives("truncated", "each other answer breaks off in the middle",
             s3.every(2, s3.truncated, lambda r: r.method == "GET")),
    survives("reset", "each other upload is reset in the middle",
             s3.every(2, s3.reset_upload, lambda r: r.is_put)),
    survives("etag", "every ETag is wrong",
             s3.every(1, s3.twisted(ETag=lambda _: '"0"'))),
    survives("miscounted", "each other list counts other keys than it has",
             s3.every(2, s3.listed(count=77), lambda r: r.is_list)),
    survives("endless", "each other list breaks off without a token",
             s3.every(2, s3.listed(truncate=True, token=""), lambda r: r.is_list)),
    survives("ranges", "each third range is another one",
             s3.every(3, s3.twisted(Content_Range=lambda _: "bytes 1-2/3"), is_get)),
    told("always_busy", "a store that stays busy is told", "tried 8 times: the store answers 503",
         s3.busy, "backup", "{source}"),
    told("never_a_list", "lists that never add up are an error and no shorter list", "Protocol",
         s3.every(1, s3.listed(count=77), lambda r: r.is_list and "head" in r.query_text),
         "snap", "ls"),
    conditions_ignored, a_dead_writers_claim, no_other_host, strangers, a_list_cut_short,
]

if __name__ == "__main__":
    sys.exit(programs.main(TESTS, sys.argv[1:]))
