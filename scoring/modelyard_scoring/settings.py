"""The settings of the server: command options and environment variables, read once into one frozen value."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from modelyard_scoring.arguments import PREFIX, Option, read_arguments
from modelyard_scoring.errors import SettingError, UnknownSettingError
from modelyard_scoring.secrecy import KEY, KEY_FORM, Secret
from modelyard_scoring.settings_file import read_settings_file


class Settings(Struct, frozen=True, kw_only=True):
    """How to serve; what is served is in the folder.

    Times are in seconds. See `OPTIONS` for what each one means.

    Parameters
    ----------
    folder
        The model folder, or that of the file.
    file
        An ONNX file that is served on its own.
    """

    folder: Path
    file: Path | None
    host: str
    port: int
    fd: int | None
    settings_file: Path | None
    workers: int
    threads: int | None
    key: Secret | None
    keys_file: Path | None
    tls_cert_file: Path | None
    tls_key_file: Path | None
    tls_client_ca_file: Path | None
    tls_client_certificates: Literal["required", "optional"]
    admin_host: str | None
    admin_port: int | None
    grpc_port: int | None
    allowed_hosts: tuple[str, ...] | None
    cors_origins: tuple[str, ...] | None
    failure_file: Path | None
    address_file: Path | None
    image: str | None
    run_in: Literal["auto", "loop", "thread"]
    access_log: Literal["auto", "all", "errors", "off"]
    access_log_rate: float
    trace_endpoint: str | None
    log_level: Literal["debug", "info", "warning", "error"]
    header_timeout: float
    body_timeout: float
    idle_timeout: float
    graceful_timeout: float
    max_header_bytes: int
    max_headers: int
    max_connections: int
    check: Literal["on", "off"]
    touched_file: Path | None
    reload: Literal["on", "off"]
    debug: Literal["on", "off"]
    debug_port: int

    def __post_init__(self) -> None:
        if self.key is not None and self.keys_file is not None:
            raise SettingError("--key", self.key, "none with --keys-file")
        if not self.keyed and not self.serves_loopback(self.host):
            allowed = "127.0.0.1, ::1 or localhost without --keys-file or --key; any address with one"
            raise SettingError(f"--host ({PREFIX}HOST)", self.host, allowed)
        if self.fd is not None and self.admin_port is not None:
            raise SettingError("--admin-port", self.admin_port, "none with --fd")
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise SettingError("--tls-key-file", self.tls_key_file, "a path with --tls-cert-file, none without it")
        if self.tls_client_ca_file is not None and self.tls_cert_file is None:
            raise SettingError("--tls-client-ca-file", self.tls_client_ca_file, "none without --tls-cert-file")
        if self.touched_file is not None and self.check == "off":
            raise SettingError("--touched-file", self.touched_file, "a path with --check, none without it")
        if self.debug == "on" and (self.workers > 1 or self.reload == "on"):
            raise SettingError(f"--debug ({PREFIX}DEBUG)", self.debug, "one worker, without --reload")

    @property
    def keyed(self) -> bool:
        """Whether scoring needs a key."""
        return self.key is not None or self.keys_file is not None

    @staticmethod
    def serves_loopback(host: str) -> bool:
        """Tell whether only this machine reaches an address."""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback


def read_settings(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Read the settings; an option wins over its variable, and that over the settings file.

    Raises
    ------
    SettingError
        If a value is not allowed, a variable begins with ``MODELYARD_SCORING_`` and names no setting, or the
        settings file cannot be used.
    """
    given = read_arguments(OPTIONS, arguments)
    known = [option.name.upper() for option in OPTIONS]
    for variable in environ:
        if variable.startswith(PREFIX) and (name := variable.removeprefix(PREFIX)) not in known:
            raise UnknownSettingError(PREFIX, name, known)
    by_name = {option.name: option for option in OPTIONS}
    of_file = by_name.pop("settings_file")
    settings_file = _value(of_file, given["settings_file"], environ, {})
    filed = {} if settings_file is None else read_settings_file(settings_file, by_name)
    values = {name: _value(option, given[name], environ, filed) for name, option in by_name.items()}
    values["settings_file"] = settings_file
    path = Path(given["path"]).resolve()
    file = path if path.suffix == ".onnx" and not path.is_dir() else None
    folder = path if file is None else path.parent
    return Settings(folder=folder, file=file, **values)


def _value(option: Option, given: str | None, environ: Mapping[str, str], filed: Mapping[str, str]) -> Any:
    variable = PREFIX + option.name.upper()
    places = {
        "--" + option.name.replace("_", "-"): given,
        variable: environ.get(variable),
        f"{option.name} in the settings file": filed.get(option.name),
    }
    place, text = next(((place, text) for place, text in places.items() if text is not None), ("", None))
    if text is None:
        return option.default
    try:
        return option.parse(text)
    except ValueError:
        raise SettingError(place, "***" if option.name == "key" else text, option.allowed) from None


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise ValueError(text)
        return int(text)

    return parse


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not (math.isfinite(value) and low <= value <= high):
            raise ValueError(text)
        return value

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return parse


def _path(text: str) -> Path:
    if not text:
        raise ValueError(text)
    return Path(text).absolute()


def _path_or_log(text: str) -> Path:
    return Path(text) if text == "-" else _path(text)


def _visible(text: str) -> str:
    if not text.isprintable() or not 0 < len(text) <= 500:
        raise ValueError(text)
    return text


def _url(text: str) -> str:
    if re.fullmatch(r"https?://[!-~]+", text) is None:
        raise ValueError(text)
    return text


def _key(text: str) -> Secret:
    if KEY.fullmatch(text) is None:
        raise ValueError(text)
    return Secret(text)


def _host(text: str) -> str:
    if text != "localhost":
        ipaddress.ip_address(text)
    return text


def _list_of(pattern: str) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        words = tuple(word.strip().lower() for word in text.split(","))
        if not all(re.fullmatch(pattern, word) for word in words):
            raise ValueError(text)
        return words

    return parse


OPTIONS: tuple[Option, ...] = (
    Option("host", _host, "an IP address, or localhost", "127.0.0.1", "the address to listen on", fixed=True),
    Option("port", _whole(0, 65535), "0 to 65535", 8080, "the port to listen on; 0 picks a free one", fixed=True),
    Option(
        "fd", _whole(3, 65535), "3 to 65535", None, "a socket that listens, inherited, in place of both", fixed=True
    ),
    Option("settings_file", _path, "a path", None, "TOML, or JSON, with settings by name; read again on SIGHUP"),
    Option("workers", _whole(1, 128), "1 to 128", 1, "processes that serve", fixed=True),
    Option(
        "threads", _whole(1, 1024), "1 to 1024", None, "threads of each worker's engine; none: its share of the CPUs"
    ),
    Option("key", _key, KEY_FORM, None, "the one key of the service; give it as a variable, as options can be seen"),
    Option("keys_file", _path, "a path", None, "JSON with the keys primary and secondary, mode 0600"),
    Option("tls_cert_file", _path, "a path", None, "PEM with the certificate and its chain; then TLS is served"),
    Option("tls_key_file", _path, "a path", None, "PEM with the key of the certificate, mode 0600"),
    Option("tls_client_ca_file", _path, "a path", None, "PEM with the authorities of clients' certificates"),
    Option(
        "tls_client_certificates",
        _one_of("required", "optional"),
        "required or optional",
        "required",
        "whether a client needs a certificate, where there are authorities",
    ),
    Option(
        "admin_host",
        _host,
        "an IP address, or localhost",
        None,
        "the address of the admin port; none: --host",
        fixed=True,
    ),
    Option("admin_port", _whole(0, 65535), "0 to 65535", None, "a port of its own for health and metrics", fixed=True),
    Option(
        "allowed_hosts",
        _list_of(r"\*|[a-z0-9._-]+|[0-9a-f:.]*:[0-9a-f:.]*"),
        "names and addresses without ports, between commas, or *",
        None,
        "what else a request may call this host",
    ),
    Option(
        "cors_origins",
        _list_of(r"\*|[a-z][a-z0-9+.-]*://[^/?#@\s\x00-\x1f\x7f-\U0010ffff]+"),
        "origins such as https://shop.example between commas, or *",
        None,
        "whose pages may read answers",
    ),
    Option(
        "grpc_port", _whole(0, 65535), "0 to 65535", None, "the port for gRPC; it needs modelyard[grpc]", fixed=True
    ),
    Option("failure_file", _path_or_log, "a path", None, "where to write why a start failed, as JSON; - for the log"),
    Option("address_file", _path, "a path", None, "where to write the address and process id once it listens"),
    Option("image", _visible, "visible characters", None, "the digest of the image it runs in, for /metrics"),
    Option(
        "run_in",
        _one_of("auto", "loop", "thread"),
        "auto, loop or thread",
        "auto",
        "where models run: in the event loop, in a thread, or as measured by the warm-up",
    ),
    Option(
        "access_log",
        _one_of("auto", "all", "errors", "off"),
        "auto, all, errors or off",
        "auto",
        "which requests get a line in the log: auto has all errors, and as many others as --access-log-rate says",
    ),
    Option(
        "access_log_rate",
        _number(0, 10**6),
        "0 to 1000000",
        100.0,
        "lines a second, of all workers, that auto writes for requests without an error",
    ),
    Option("trace_endpoint", _url, "a URL", None, "where OTLP over HTTP takes spans, such as http://localhost:4318"),
    Option(
        "log_level",
        _one_of("debug", "info", "warning", "error"),
        "debug, info, warning or error",
        "info",
        "how much is logged",
    ),
    Option("header_timeout", _number(0.1, 3600), "0.1 to 3600", 10.0, "seconds for the headers of a request"),
    Option("body_timeout", _number(0.1, 3600), "0.1 to 3600", 30.0, "seconds for the body of a request"),
    Option("idle_timeout", _number(0.1, 3600), "0.1 to 3600", 75.0, "seconds an idle connection is kept"),
    Option("graceful_timeout", _number(0, 3600), "0 to 3600", 30.0, "seconds to finish requests when stopped"),
    Option("max_header_bytes", _whole(256, 2**20), "256 to 1048576", 16384, "bytes of all headers of a request"),
    Option("max_headers", _whole(1, 1000), "1 to 1000", 100, "headers of a request"),
    Option("max_connections", _whole(1, 10**6), "1 to 1000000", 10_000, "connections of one worker"),
    Option("check", _one_of("on", "off"), "on or off", "off", "load the models, try their samples, and end"),
    Option("touched_file", _path, "a path", None, "where to write what code touched while it was checked, as JSON"),
    Option("reload", _one_of("on", "off"), "on or off", "off", "load a script again when its folder changes"),
    Option(
        "debug",
        _one_of("on", "off"),
        "on or off",
        "off",
        "wait for a debugger before a script is loaded, and answer with its tracebacks",
    ),
    Option("debug_port", _whole(1, 65535), "1 to 65535", 5678, "where a debugger is waited for, at 127.0.0.1"),
)
