"""A certificate of a listener that ends soon."""

from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

# Who connects trusts the certificate itself.
FILE = "listener.pem"


def near_its_end(folder: Path) -> str:
    """Writes a certificate that ends in two days, with its key. Returns the table of the listener that shows it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    begins, ends = now - timedelta(days=88), now + timedelta(days=2)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begins, ends)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = builder.add_extension(names, critical=False).sign(key, SHA256())
    (folder / FILE).write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "listener.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return f'\n[grpc.tls]\ncertificate_file = "{FILE}"\nprivate_key_file = "listener.key"\n'
