"""Makes keys and certificates for tests, and the client's side of TLS."""

import datetime
import pathlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.utcnow()
DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority with its files in a directory."""

    def __init__(self, directory, name="Test CA"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = subject(name)
        self.certificate = self._build(self.name, self.key, self.name, self.key, authority=True)
        self.file = self._write(name.replace(" ", "-") + ".pem", pem(self.certificate))

    def issue(self, name, kind="ec", expired=False, password=None, by=None):
        """(key file, certificate file) of a new certificate for localhost; `by` is an intermediate authority."""
        key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
        issuer, issuer_key = (by.name, by.key) if by else (self.name, self.key)
        certificate = self._build(subject(name), key, issuer, issuer_key, expired=expired)
        hide = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hide)
        return self._write(name + ".key", private), self._write(name + ".crt", pem(certificate))

    def intermediate(self, name="Intermediate"):
        other = object.__new__(Authority)
        other.directory, other.name, other.key = self.directory, subject(name), ec.generate_private_key(ec.SECP256R1())
        other.certificate = self._build(other.name, other.key, self.name, self.key, authority=True)
        other.file = self._write(name + ".pem", pem(other.certificate))
        return other

    def _build(self, name, key, issuer, issuer_key, authority=False, expired=False):
        builder = (x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(NOW - 30 * DAY)
                   .not_valid_after(NOW - DAY if expired else NOW + 30 * DAY)
                   .add_extension(x509.BasicConstraints(authority, None), critical=True))
        if not authority:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    def _write(self, name, data):
        path = self.directory / name
        path.write_bytes(data)
        return str(path)

    def client(self, certificate=None, version=None, ciphers=None, alpn=None):
        """The SSLContext of a client that trusts this authority; `certificate` is a pair as of issue()."""
        context = ssl.create_default_context(cafile=self.file)
        if certificate:
            context.load_cert_chain(certificate[1], certificate[0])
        if version:
            context.minimum_version = context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers)
        if alpn:
            context.set_alpn_protocols(alpn)
        return context


def subject(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)
