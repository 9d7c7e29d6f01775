"""How a gateway is reached, and what it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Optional, Union

import grpc

File = Union[str, Path]

OPTIONS: Sequence[tuple[str, Union[str, int]]] = [
    ("grpc.service_config", (resources.files(__package__) / "service_config.json").read_text()),
    # DNS may have another one (gRFC A2), whose policy may repeat what was sent already.
    ("grpc.service_config_disable_resolution", 1),
    # The gateway asks a silent connection whether it lives by the same times: grpc.keepalive_interval and
    # grpc.keepalive_timeout by default.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # A batch that waits for verdicts writes nothing; by default gRPC would ask twice, and then no more.
    ("grpc.http2.max_pings_without_data", 0),
    # By default two minutes, for which a gateway that is back would go unused.
    ("grpc.max_reconnect_backoff_ms", 10_000),
]


def credentials(
    plaintext: bool,
    ca_file: Optional[File],
    certificate_file: Optional[File],
    key_file: Optional[File],
    token_file: Optional[File],
) -> Optional[grpc.ChannelCredentials]:
    """What the channel trusts and shows. None: it is one without TLS."""
    if plaintext:
        for name, file in [("ca_file", ca_file), ("certificate_file", certificate_file), ("token_file", token_file)]:
            if file is not None:
                raise ValueError(f"{name} has no place beside plaintext: nothing is verified or shown without TLS")
        return None
    if (certificate_file is None) != (key_file is None):
        raise ValueError("certificate_file and key_file belong together, and one of them is missing")
    tls = grpc.ssl_channel_credentials(_read(ca_file), _read(key_file), _read(certificate_file))
    if token_file is None:
        return tls
    return grpc.composite_channel_credentials(tls, grpc.metadata_call_credentials(_Token(Path(token_file))))


def check_window(window: int) -> None:
    """A batch with no place for a push would wait for ever."""
    if window < 1:
        raise ValueError(f"expected a window of at least one push, found {window}")


class _Token(grpc.AuthMetadataPlugin):
    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:
        # The file is read for each call, because tokens are renewed on disk.
        try:
            callback((("authorization", f"Bearer {self._file.read_text().strip()}"),), None)
        except (OSError, UnicodeDecodeError) as error:
            callback((), error)


def _read(file: Optional[File]) -> Optional[bytes]:
    return None if file is None else Path(file).read_bytes()
