# SPDX-License-Identifier: Apache-2.0

"""Compares two trees of files in everything a backup should keep: names, types, modes, owners,
times, contents, holes, link targets, hard links, device numbers and extended attributes, which ACLs
and capabilities are.
"""
import os
import stat

STEP = 1 << 20


def attributes(path):
    """All extended attributes of the entry itself."""
    return {name: os.getxattr(path, name, follow_symlinks=False)
            for name in os.listxattr(path, follow_symlinks=False)}


def extents(file, size):
    """Where the file has data, as the file system tells it."""
    found, at = [], 0
    while at < size:
        try:
            begin = os.lseek(file, at, os.SEEK_DATA)
        except OSError:
            break
        at = os.lseek(file, begin, os.SEEK_HOLE)
        found.append((begin, at))
    return found


def describe_file(fd, size):
    """Content, and where its data lies."""
    content = []
    os.lseek(fd, 0, os.SEEK_SET)
    while piece := os.read(fd, STEP):
        content.append(hash(piece))
    return content, extents(fd, size)


def describe(fd, name, links, path):
    """What one entry is, relative to the folder `fd`."""
    st = os.stat(name, dir_fd=fd, follow_symlinks=False)
    told = {"type": stat.S_IFMT(st.st_mode), "mode": oct(stat.S_IMODE(st.st_mode)),
            "owner": (st.st_uid, st.st_gid), "mtime": st.st_mtime_ns}
    # /proc leads to entries deeper than any path may be long.
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=fd)
    try:
        told["xattrs"] = attributes(b"/proc/self/fd/%d" % fd + b"/" + name)
        if stat.S_ISLNK(st.st_mode):
            told["target"] = os.readlink(name, dir_fd=fd)
        elif stat.S_ISREG(st.st_mode):
            file = os.open(b"/proc/self/fd/%d" % handle, os.O_RDONLY)
            told["size"] = st.st_size
            told["content"], told["extents"] = describe_file(file, st.st_size)
            os.close(file)
        elif stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
            told["device"] = st.st_rdev
    finally:
        os.close(handle)
    if not stat.S_ISDIR(st.st_mode):
        told["links"] = st.st_nlink
        told["first"] = links.setdefault((st.st_dev, st.st_ino), path)
    return told


def walk(top):
    """Yields (path, what it is) for all that is in a folder, and for the folder as b"."; depth does
    not matter."""
    links = {}
    root = os.open(top, os.O_RDONLY)
    yield b".", describe(root, b".", links, b".")
    stack = [(root, b"", iter(sorted(os.fsencode(n) for n in os.listdir(root))))]
    while stack:
        fd, prefix, names = stack[-1]
        name = next(names, None)
        if name is None:
            os.close(fd)
            stack.pop()
            continue
        path = prefix + name
        told = describe(fd, name, links, path)
        yield path, told
        if told["type"] == stat.S_IFDIR:
            inner = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd)
            stack.append((inner, path + b"/",
                          iter(sorted(os.fsencode(n) for n in os.listdir(inner)))))


def differences(one, other, ignore=()):
    """Lines that tell what is not the same; none when all is. At most one an entry."""
    there = dict(walk(other))
    found = []
    for path, want in walk(one):
        have = there.pop(path, None)
        if have is None:
            found.append(f"{path!r} is missing")
            continue
        wrong = [f"{key} is {have.get(key)!r}, not {value!r}" for key, value in want.items()
                 if key not in ignore and have.get(key) != value]
        if wrong:
            found.append(f"{path[-200:]!r}: " + "; ".join(wrong)[:500])
    return found + [f"{path!r} should not be there" for path in there]
