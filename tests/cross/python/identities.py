"""Makes what a gateway with TLS and its callers need, below a folder: certificates, an issuer's key, and its JWKS."""

import base64
import json
import sys
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FOLDER = Path(sys.argv[1])
NOW = datetime.now(timezone.utc)


def write_key(file: str, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (FOLDER / file).write_bytes(pem)


def certificate(name: str, key, issuer: x509.Name, *extensions: x509.ExtensionType) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(
        issuer, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key.public_key(),
        x509.random_serial_number(), NOW - timedelta(minutes=5), NOW + timedelta(days=1),
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder


class Ca:
    def __init__(self, name: str):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        authority = x509.BasicConstraints(ca=True, path_length=0)
        made = certificate(name, self.key, self.name, authority).sign(self.key, SHA256())
        (FOLDER / f"{name}.pem").write_bytes(made.public_bytes(Encoding.PEM))

    def issue(self, name: str, usage: x509.ObjectIdentifier, *names: x509.GeneralName) -> None:
        """Writes a certificate for these names, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        extensions = x509.SubjectAlternativeName(names), x509.ExtendedKeyUsage([usage])
        made = certificate(name, key, self.name, *extensions).sign(self.key, SHA256())
        (FOLDER / f"{name}.pem").write_bytes(made.public_bytes(Encoding.PEM))
        write_key(f"{name}.key", key)


Ca("gateway-ca").issue(
    "gateway", ExtendedKeyUsageOID.SERVER_AUTH, x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))
)
Ca("callers-ca").issue(
    "orders", ExtendedKeyUsageOID.CLIENT_AUTH,
    x509.UniformResourceIdentifier("spiffe://example.org/ns/default/sa/orders"),
)

# The issuer of tokens: its callers sign by the private key, the gateway verifies by the JWKS. Source: RFC 7518, section 6.2.
issuer = ec.generate_private_key(ec.SECP256R1())
write_key("issuer.key", issuer)
numbers = issuer.public_key().public_numbers()


def coordinate(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


jwk = {
    "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "corp-1",
    "x": coordinate(numbers.x), "y": coordinate(numbers.y),
}
(FOLDER / "jwks.json").write_text(json.dumps({"keys": [jwk]}))
