"""Certificates for tests, and a TLS door before a server that has none itself."""

import contextlib
import datetime
import ipaddress
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, in files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; all its files are in one folder."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = folder / f"{name}.pem"
        self._write(self.certificate, self._signed(self._name, self._key, is_authority=True))

    def identity(self, name: str, host: str) -> Identity:
        """Return a new certificate for an address or a host's name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = Identity(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        self._write(made.certificate, self._signed(subject, key, host=host))
        form = serialization.PrivateFormat.PKCS8
        plain = serialization.NoEncryption()
        made.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
        return made

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        host: str = "",
        is_authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        if is_authority:  # Python 3.13 asks for these
            builder = builder.add_extension(_FOR_SIGNING, critical=True)
        if host:
            builder = builder.add_extension(x509.SubjectAlternativeName([_place(host)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


_FOR_SIGNING = x509.KeyUsage(
    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


def _place(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@contextlib.contextmanager
def tls_door(upstream_port: int, identity: Identity, clients: Path | None = None) -> Iterator[int]:
    """Take TLS connections for a block, which gets the port, and hand on what comes to a port without TLS.

    With `clients`, an authority's certificate, only who has a certificate of that authority is let in.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    if clients is not None:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, upstream_port), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, context: ssl.SSLContext, upstream_port: int) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # the door is closed
        threading.Thread(target=_serve, args=(client, context, upstream_port), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, upstream_port: int) -> None:
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(client, server_side=True) as outside,
        socket.create_connection(("127.0.0.1", upstream_port)) as inside,
        selectors.DefaultSelector() as selector,
    ):
        selector.register(outside, selectors.EVENT_READ, (outside, inside))
        selector.register(inside, selectors.EVENT_READ, (inside, outside))
        while all(_hand_on(*key.data) for key, _ in selector.select()):
            pass


def _hand_on(source: socket.socket, target: socket.socket) -> bool:
    data = source.recv(CHUNK_BYTES)
    while isinstance(source, ssl.SSLSocket) and source.pending():
        data += source.recv(CHUNK_BYTES)
    target.sendall(data)
    return bool(data)
