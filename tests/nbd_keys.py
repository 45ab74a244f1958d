# SPDX-License-Identifier: Apache-2.0

"""Keys for tests of TLS with clients of NBD."""
import os
import shutil
import subprocess

import programs


def make_keys(place):
    """An authority, a server and a client that it vouches for, another one, and a shared key."""
    if not shutil.which("openssl"):
        raise programs.Skip("openssl is not installed")
    folder = place.path("tls")
    os.mkdir(folder)

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)
    for name in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", name + "-key.pem", "-out", name + "-cert.pem", "-subj", "/CN=" + name)
    for name, above in (("server", "ca"), ("client", "ca"), ("stranger", "other-ca")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                name + "-key.pem", "-out", name + ".csr", "-subj", "/CN=localhost")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", above + "-cert.pem", "-CAkey",
                above + "-key.pem", "-CAcreateserial", "-out", name + "-cert.pem")
    for name, client in (("known", "client"), ("unknown", "stranger"), ("without", None)):
        os.mkdir(os.path.join(folder, name))
        shutil.copy(os.path.join(folder, "ca-cert.pem"), os.path.join(folder, name))
        for part in ("-cert.pem", "-key.pem") if client else ():
            shutil.copy(os.path.join(folder, client + part),
                        os.path.join(folder, name, "client" + part))
    for name, digit in (("keys.psk", "5a"), ("wrong.psk", "5b")):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write(f"# shared\n\nbob:{'00' * 32}\nalice:{digit * 32}\n")
    return folder
