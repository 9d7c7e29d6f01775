"""The gateway's messages to a browser over HTTP/1.1, decrypted by http_ece; their tokens verified by py-vapid."""

import base64
import datetime
import json
import os
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import http_ece
import pytest
from conftest import CALL, request, until
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from py_vapid import Vapid02

SUBJECT = "mailto:push@example.org"


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def point(key):
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def certificates(folder):
    """A CA, and its certificate for localhost."""
    now = datetime.datetime.now(datetime.UTC)

    def certificate(name, key, issuer, issuer_key, extension, authority):
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issued = x509.CertificateBuilder().subject_name(name).issuer_name(issuer or name).public_key(key.public_key())
        issued = issued.serial_number(x509.random_serial_number())
        issued = issued.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
        issued = issued.add_extension(x509.BasicConstraints(authority, None), True)
        if extension:
            issued = issued.add_extension(extension, False)
        return issued.sign(issuer_key, hashes.SHA256())

    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = certificate("ca", ca_key, None, ca_key, None, True)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    own = certificate("localhost", key, ca.subject, ca_key, names, False)
    (folder / "ca.pem").write_bytes(ca.public_bytes(Encoding.PEM))
    (folder / "localhost.pem").write_bytes(own.public_bytes(Encoding.PEM) + pem(key))


class PushService:
    """Takes every message; what it took is in `messages`."""

    def __init__(self, folder):
        self.folder, self.messages = folder, []
        certificates(folder)
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                service.messages.append((self.path, self.headers, body))
                self.send_response(201)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "localhost.pem")
        context.set_alpn_protocols(["http/1.1"])
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.origin = f"https://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    service = PushService(tmp_path_factory.mktemp("service"))
    yield service
    service.server.shutdown()
    service.server.server_close()


@pytest.fixture(scope="module")
def vapid():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def push(service, vapid):
    """Sends a push through a gateway of its own, and returns its result."""
    folder = service.folder
    (folder / "vapid.pem").write_bytes(pem(vapid))
    (folder / "fanfare.toml").write_text(f"""
[grpc]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[web_push]
ca_files = ["ca.pem"]
[log]
filter = "warn"
[apps.demo.web_push]
key_file = "vapid.pem"
subject = "{SUBJECT}"
hosts = ["localhost"]
any_port = true
private_addresses = true
pad_to = 256
""")
    ready = folder / "ready.json"
    command = [os.environ["FANFARE_BIN"], "serve", "--config", folder / "fanfare.toml", "--ready-file", ready]
    gateway = subprocess.Popen(command)
    try:
        until(lambda: gateway.poll() is not None or ready.exists())
        assert gateway.returncode is None, "the gateway runs"
        from fanfare.push.v1 import push_pb2_grpc

        with grpc.insecure_channel(json.loads(ready.read_text())["grpc"]) as channel:
            stub = push_pb2_grpc.PushServiceStub(channel)
            yield lambda **fields: stub.SendPush(request(**fields), timeout=CALL).result
    finally:
        gateway.terminate()
        assert gateway.wait(CALL) == 0, "the gateway ends well"


class Browser:
    def __init__(self, service, path):
        self.key, self.auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
        self.target = {"web_push": {"endpoint": service.origin + path, "p256dh": point(self.key), "auth": self.auth}}

    def open(self, body):
        return http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")


@pytest.mark.parametrize(("content", "plaintext"), [
    ({"notification": {"title": "Zürich", "body": "🎺"}}, '{"title":"Zürich","body":"🎺"}'.encode()),
    ({"web_push": {"payload": b"\0\1\2"}}, b"\0\1\2"),
    ({"web_push": {"payload": b"x" * 3993}}, b"x" * 3993),
])
def test_http_ece_reads_what_was_meant(service, push, content, plaintext):
    browser = Browser(service, "/wpush/v2/gAAAAA")
    result = push(target=browser.target, content=content)
    assert result.outcome == 1, result
    path, headers, body = service.messages.pop()
    assert path == "/wpush/v2/gAAAAA"
    assert headers["content-encoding"] == "aes128gcm"
    assert browser.open(body) == plaintext
    # Padded to a multiple of 256, where the limit allows: a head of 86 bytes, the delimiter and the tag beside it.
    padded = len(body) - 86 - 1 - 16
    assert padded % 256 == 0 or padded == 3993


def test_py_vapid_verifies_the_token(service, push, vapid):
    browser = Browser(service, "/p/1")
    assert push(target=browser.target).outcome == 1
    _, headers, _ = service.messages.pop()
    authorization = headers["authorization"]
    # It splits parameters at commas alone.
    assert Vapid02.verify(authorization.replace(", ", ","))
    token, key = authorization.removeprefix("vapid t=").replace(" ", "").split(",k=")
    assert decode(key) == point(vapid)
    claims = json.loads(decode(token.split(".")[1]))
    assert (claims["aud"], claims["sub"]) == (service.origin, SUBJECT)


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
