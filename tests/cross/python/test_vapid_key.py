"""The keys of `fanfare vapid-key`, as py_vapid (Mozilla's) takes them."""

import base64
import os
import subprocess
import time

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from conftest import CALL


def vapid_key(*args: str, stdin: str = "") -> str:
    """What the command prints on standard output."""
    command = [os.environ["FANFARE_BIN"], "vapid-key", *args]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=CALL, check=True
    ).stdout.strip()


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def public_key(vapid: Vapid02) -> str:
    return base64url(vapid.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def test_a_key_that_fanfare_made_signs_for_the_public_key_that_it_printed(tmp_path):
    file = tmp_path / "vapid.pem"
    printed = vapid_key(str(file))
    vapid = Vapid02.from_file(str(file))
    assert public_key(vapid) == printed

    claims = {"aud": "https://push.example", "sub": "mailto:push@example.com", "exp": int(time.time()) + 3600}
    header = vapid.sign(claims)["Authorization"]
    assert header.split("k=")[1] == printed
    assert Vapid02.verify(header)


def test_the_raw_key_of_py_vapid_and_of_npm_web_push_is_read():
    vapid = Vapid02()
    vapid.generate_keys()
    raw = vapid.private_key.private_numbers().private_value.to_bytes(32, "big")
    assert public_key(Vapid02.from_raw(base64url(raw).encode())) == public_key(vapid)
    assert vapid_key("--show", "-", stdin=base64url(raw)) == public_key(vapid)


def test_the_pem_of_py_vapid_is_read(tmp_path):
    vapid, file = Vapid02(), tmp_path / "private_key.pem"
    vapid.generate_keys()
    vapid.save_key(str(file))
    assert vapid_key("--show", str(file)) == public_key(vapid)
