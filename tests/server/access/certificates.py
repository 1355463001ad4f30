"""Certificates made for a test by the openssl command: authorities, and what they sign."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@dataclass(frozen=True)
class Pair:
    certificate: Path
    key: Path


class Authority:
    """A CA of its own."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        self._name = name
        self.pair = Pair(folder / f"{name}.pem", folder / f"{name}-key.pem")
        openssl(
            *("req", "-x509", *CURVE, "-days", "30", "-subj", f"/CN={name}"),
            *("-keyout", self.pair.key, "-out", self.pair.certificate),
        )

    @property
    def certificate(self) -> Path:
        return self.pair.certificate

    def sign(self, name: str, *, expired: bool = False) -> Pair:
        """A certificate for this machine's own addresses."""
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}-key.pem")
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        openssl("req", *CURVE, "-subj", f"/CN={name}", "-keyout", pair.key, "-out", request)
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        # A certificate that is valid for minus one day ended yesterday.
        openssl(
            *("x509", "-req", "-in", request, "-CA", self.pair.certificate, "-CAkey", self.pair.key),
            *("-CAserial", self._folder / f"{self._name}.srl", "-CAcreateserial", "-extfile", extensions),
            *("-days", "-1" if expired else "30", "-out", pair.certificate),
        )
        return pair
