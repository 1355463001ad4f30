"""The server's certificate: read, checked, and taken anew for new connections when its files are renewed."""

import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import grpc

from tickmux_server.access.files import Signature, is_open_to_all, signature
from tickmux_server.config import Config, ConfigError

logger = logging.getLogger(__name__)

FILE_BYTES_MAX: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where a certificate lies: PEM files, each by the setting that names it."""

    certificate: Path
    """The server's certificate, and behind it those that lead from it to its CA."""
    key: Path
    """Its private key, not encrypted."""
    client_ca: Path | None = None
    """Certificates of the CA that clients must have theirs from; None = clients need none."""

    def signature(self) -> tuple[Signature, ...]:
        """What to compare in order to know whether any of them has changed. Never raises."""
        return tuple(signature(path) for path in (self.certificate, self.key, self.client_ca) if path is not None)


class Certificates:
    """The certificate in force, which follows its files."""

    def __init__(self, files: CertificateFiles) -> None:
        """Read the files.

        Raises:
            ConfigError: One cannot be read, holds something else, or the key is another certificate's.
        """
        self._files = files
        self._lock = threading.Lock()
        self._signature = files.signature()
        self._configuration = _load(files)
        self._generation = 0
        if is_open_to_all(files.key):
            logger.warning("everyone on this machine can read the key %s: run chmod 600 %s", files.key, files.key)

    def credentials(self) -> grpc.ServerCredentials:
        """Credentials of one port: each must be told of a renewal by itself."""
        return grpc.dynamic_ssl_server_credentials(
            self._configuration,
            # None stands for no news, which the types do not tell.
            cast("Callable[[], grpc.ServerCertificateConfiguration]", self._news()),
            require_client_authentication=self._files.client_ca is not None,
        )

    def _news(self) -> Callable[[], grpc.ServerCertificateConfiguration | None]:
        told = self._generation

        def news() -> grpc.ServerCertificateConfiguration | None:
            """What is new since it was last asked. Called before each handshake, by a thread of gRPC's."""
            nonlocal told
            with self._lock:
                self._follow()
                if told == self._generation:
                    return None
                told = self._generation
                return self._configuration

        return news

    def _follow(self) -> None:
        found = self._files.signature()
        if found == self._signature:
            return
        try:
            configuration = _load(self._files)
        except ConfigError as error:
            # Told once: the next attempt is made when the files have changed again.
            self._signature = found
            logger.warning("the renewed certificate cannot be used, the one before stays: %s", error)
            return
        if self._files.signature() != found:
            # Something was written while it was read: the next connection looks again.
            return
        self._signature = found
        self._configuration = configuration
        self._generation += 1
        logger.info("new connections get the renewed certificate %s", self._files.certificate)


def certificates(config: Config) -> Certificates | None:
    """The certificate that a configuration asks for, if it does.

    Raises:
        ConfigError: Its files cannot be used.
    """
    files = _files(config)
    return None if files is None else Certificates(files)


def check(config: Config) -> None:
    """Read the files of the certificate that a configuration asks for, if it does.

    Raises:
        ConfigError: They cannot be used.
    """
    if files := _files(config):
        _load(files)


def _files(config: Config) -> CertificateFiles | None:
    if not config.tls_certificate:
        return None
    client_ca = Path(config.tls_client_ca) if config.tls_client_ca else None
    return CertificateFiles(Path(config.tls_certificate), Path(config.tls_key), client_ca)


def _load(files: CertificateFiles) -> grpc.ServerCertificateConfiguration:
    certificate = _read("tls_certificate", files.certificate)
    key = _read("tls_key", files.key)
    client_ca = None if files.client_ca is None else _read("tls_client_ca", files.client_ca)
    if b"-----BEGIN CERTIFICATE-----" not in certificate:
        raise ConfigError("tls_certificate", f"{files.certificate} holds no certificate in PEM form")
    if b"PRIVATE KEY-----" not in key:
        raise ConfigError("tls_key", f"{files.key} holds no private key in PEM form")
    if b"ENCRYPTED" in key:
        raise ConfigError("tls_key", f"{files.key} is encrypted: decrypt it with `openssl pkey`, and chmod 600 it")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # A password is given so that nobody is asked for one.
        context.load_cert_chain(files.certificate, files.key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError("tls_key", f"{files.key} is not the key of {files.certificate}") from error
        why = error.reason or "no reason given"
        raise ConfigError("tls_certificate", f"{files.certificate} with {files.key} cannot be used ({why})") from error
    except OSError as error:
        raise ConfigError("tls_certificate", f"{files.certificate} cannot be read: {error.strerror}") from error
    if client_ca is not None:
        try:
            context.load_verify_locations(cadata=client_ca.decode("ascii", "replace"))
        except (ssl.SSLError, ValueError) as error:
            raise ConfigError("tls_client_ca", f"{files.client_ca} holds no certificate in PEM form") from error
    return grpc.ssl_server_certificate_configuration([(key, certificate)], root_certificates=client_ca)


def _read(setting: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(setting, f"{path} cannot be read: {error.strerror}") from error
    if len(content) > FILE_BYTES_MAX:
        raise ConfigError(setting, f"{path} is larger than {FILE_BYTES_MAX} bytes, so it is no PEM file")
    return content
