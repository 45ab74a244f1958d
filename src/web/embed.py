#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the bundled page into a table in C (src/web/asset.h).

usage: src/web/embed.py OUTPUT OPENAPI FOLDER...

The first folder that holds an index.html is taken; without any the table is empty, and ebbd serves
the plain page. The output is touched only when it changes.
"""
import gzip
import hashlib
import os
import sys

LINE = 24


def array(name, data):
    lines = [",".join(str(byte) for byte in data[at:at + LINE]) for at in range(0, len(data), LINE)]
    return f"static const uint8_t {name}[] = {{\n" + ",\n".join(lines) + "};\n"


def files(folders):
    for folder in folders:
        if os.path.exists(os.path.join(folder, "index.html")):
            for name in sorted(os.listdir(folder)):
                if not name.endswith(".gz") and os.path.isfile(os.path.join(folder, name)):
                    with open(os.path.join(folder, name), "rb") as file:
                        yield name, file.read()
            return


def one(file):
    with open(file, "rb") as opened:
        return os.path.basename(file), opened.read()


def row(number, name, data):
    """The arrays of a file, and its row of the table."""
    packed = gzip.compress(data, 9, mtime=0)
    etag = hashlib.sha256(data).hexdigest()[:16]
    text = array(f"plain_{number}", data or b"\n")
    zipped = ("NULL", 0)
    if len(packed) < len(data):
        text += array(f"gzip_{number}", packed)
        zipped = (f"gzip_{number}", len(packed))
    return text, (f'{{"{name}", plain_{number}, {zipped[0]}, {len(data)}, {zipped[1]}, '
                  f'"\\"{etag}\\""}}')


def main():
    text, openapi = row("openapi", *one(sys.argv[2]))
    text = f'#include "web/asset.h"\n{text}const struct asset asset_openapi = {openapi};\n'
    rows = []
    for number, (name, data) in enumerate(files(sys.argv[3:])):
        arrays, its = row(number, name, data)
        text += arrays
        rows.append(its + ",\n")
    text += "const struct asset asset_table[] = {\n" + "".join(rows) + "{0}};\n"
    output = sys.argv[1]
    if os.path.exists(output):
        with open(output, encoding="utf-8") as file:
            if file.read() == text:
                return
    with open(output, "w", encoding="utf-8") as file:
        file.write(text)


main()
