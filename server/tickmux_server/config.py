"""Configuration: defaults, then a TOML file, then the environment, then flags; the later one wins.

```toml
listen = "127.0.0.1:50051"

[sources.binance]
adapter = "binance"
symbols = ["BTCUSDT", "ETHUSDT"]
```

`TICKMUX_LISTEN` sets `listen`; `TICKMUX_SOURCES__BINANCE__SYMBOLS=BTCUSDT,ETHUSDT` sets `sources.binance.symbols`.
"""

import re
import tomllib
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from tickmux_adapters.registry import AdapterType, SourceSettings, registered
from tickmux_adapters.symbols import nearest, normalise_symbol
from tickmux_server.errors import TickmuxError
from tickmux_server.listen import is_loopback, split_address

LogLevel = Literal["debug", "info", "warning", "error"]
LOG_LEVELS: Final[tuple[str, ...]] = typing.get_args(LogLevel)

ENVIRONMENT_PREFIX: Final = "TICKMUX_"
# Read by the command line itself, not settings.
ENVIRONMENT_OF_COMMANDS: Final = frozenset(
    "TICKMUX_" + name
    for name in ("CONFIG", "TARGET", "TOKEN", "TOKEN_FILE", "TLS", "CA", "CERTIFICATE", "KEY", "SERVER_NAME")
)
# Kubernetes puts these into every pod beside a Service that is called tickmux.
ENVIRONMENT_OF_KUBERNETES: Final = re.compile(r"TICKMUX_(SERVICE_(HOST|PORT)|PORT($|_\d))")

SOURCE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
SYMBOL: Final = re.compile(r"[^\s*]+")
SOURCE_NAMES_RESERVED: Final = frozenset({"consolidated"})

DEFAULT_BASES: Final = ("BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "AVAX", "LINK", "LTC", "DOT")
"""What is quoted without a file: ten popular pairs, in USDT at Binance and in USD elsewhere."""
DEFAULT_SOURCES: Final[Mapping[str, str]] = {"binance": "USDT", "kraken": "USD", "coingecko": "USD"}
"""Sources without a file, those that need no key: name (which is also the adapter's) and their quote currency."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of one server process."""

    listen: str = "127.0.0.1:50051"
    """Address of the gRPC server, HOST:PORT; port 0 takes a free one."""
    insecure: bool = False
    """Accepts an address that other machines can reach without TLS, without tokens, or without both."""
    tls_certificate: str = ""
    """PEM file of the server's certificate and those that lead from it to its CA; empty = clear text."""
    tls_key: str = ""
    """PEM file of the certificate's private key, not encrypted."""
    tls_client_ca: str = ""
    """PEM file of the CA that clients must have a certificate of; empty = they need none."""
    tokens: str = ""
    """File of the tokens, one of which every call must carry; empty = anyone may call."""
    history_bytes_max: Annotated[int, msgspec.Meta(ge=1024 * 1024)] = 256 * 1024 * 1024
    """Bytes of quotes kept for clients that lag behind, all instruments together."""
    history_age_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 60.0
    """Seconds that a quote is kept for clients that lag behind."""
    drain_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 5.0
    """Seconds that streams get to end by themselves when the server stops."""
    stream_age_s: Annotated[float, msgspec.Meta(gt=0, le=30 * 86_400)] = 1800.0
    """Seconds after which a stream is asked to reconnect, so that load spreads over servers."""
    consolidated: bool = True
    """Whether the source `consolidated` is served: the best bid and offer of each symbol over all sources."""
    log_level: LogLevel = "info"
    """Least severe record that is logged."""
    sources: dict[str, SourceSettings] = {}
    """Settings of each source by its name, each an instance of its adapter's own settings type."""


class ConfigError(TickmuxError):
    """A setting cannot be used as it stands."""

    def __init__(self, where: str, problem: str) -> None:
        self.where = where
        """The setting's path (`sources.binance.symbols`), the variable's name, or the file."""
        self.problem = problem
        super().__init__(f"{where}: {problem}")


def load_config(
    file: Path | None,
    environment: Mapping[str, str],
    flags: Mapping[str, Any],
    *,
    adapters: Mapping[str, AdapterType] | None = None,
    default_sources: Mapping[str, Mapping[str, Any]] | None = None,
) -> Config:
    """Join the layers and check the result.

    Args:
        file: TOML file; without one, the default sources are quoted.
        environment: variables of the process; those that begin with `TICKMUX_` are settings.
        flags: top-level settings given on the command line.
        adapters: adapters by name; those that are installed when not given.
        default_sources: sections where nothing names any; the venues that need no key when not given.

    Raises:
        ConfigError: naming the setting and what to write instead.
    """
    known = installed_adapters() if adapters is None else adapters
    settings = read_toml(file) if file is not None else {}
    _refuse_unknown_keys(settings, Config)
    sections = settings.pop("sources", None)
    if sections is None:
        defaults = default_sections(known) if default_sources is None else default_sources
        sections = {name: dict(section) for name, section in defaults.items()}
    elif not isinstance(sections, dict):
        raise ConfigError("sources", "expected a table: write a section such as [sources.binance]")
    _apply_environment(settings, sections, environment, known)
    settings.update(flags)

    config = _convert(settings, Config, "")
    _check_access(config)
    if not sections:
        raise ConfigError("sources", "no source is configured: add a section such as [sources.binance]")
    sources = {name: _source(name, section, known) for name, section in sections.items()}
    return msgspec.structs.replace(config, sources=sources)


def installed_adapters() -> dict[str, AdapterType]:
    """The adapters that are installed, by name.

    Raises:
        ConfigError: one of them cannot be imported.
    """
    try:
        return registered()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            "sources", f"an installed adapter cannot be loaded ({error}): reinstall its package"
        ) from error


def default_sections(known: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The sources of a server without a file: the venues that need no key, as far as their adapters are installed."""
    return {
        name: {"adapter": name, "symbols": [base + quote for base in DEFAULT_BASES]}
        for name, quote in DEFAULT_SOURCES.items()
        if name in known
    }


def read_toml(file: Path) -> dict[str, Any]:
    """The settings in a file, unchecked.

    Raises:
        ConfigError: it cannot be read, or it is not TOML (with line and column).
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(file), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(file), f"is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(file), f"is not TOML: {error}") from error


def _source(name: str, section: object, known: Mapping[str, AdapterType]) -> SourceSettings:
    path = f"sources.{name}"
    if not SOURCE_NAME.fullmatch(name):
        raise ConfigError(
            path, "a source's name is made of lower-case letters, digits and dashes, such as alpaca-crypto"
        )
    if name in SOURCE_NAMES_RESERVED:
        raise ConfigError(path, "this name is reserved for quotes that join several sources; choose another")
    if not isinstance(section, dict):
        raise ConfigError(path, f"expected a table: write a section [{path}]")
    adapter = _adapter_of(name, section, known)
    _refuse_unknown_keys(section, adapter.settings, path)
    settings: SourceSettings = _convert(section, adapter.settings, path)
    _check_symbols(settings.symbols, f"{path}.symbols", given="symbols" in section)
    return settings


def _check_symbols(symbols: Sequence[str], path: str, *, given: bool) -> None:
    if given and not symbols:
        raise ConfigError(path, "it names no symbol: name some, or leave it out for the adapter's own choice")
    for index, symbol in enumerate(symbols):
        if not normalise_symbol(symbol) or not SYMBOL.fullmatch(symbol.strip()):
            raise ConfigError(
                f"{path}[{index}]", f"{symbol!r} is no symbol: write each one out, like BTCUSDT or BTC/USDT"
            )


def _adapter_of(name: str, section: Mapping[str, Any], known: Mapping[str, AdapterType]) -> AdapterType:
    wanted = section.get("adapter")
    if isinstance(wanted, str) and wanted in known:
        return known[wanted]
    if wanted is None:
        misspelt = nearest("adapter", [key for key in section if key not in SourceSettings.__struct_fields__])
        if misspelt:
            raise ConfigError(f"sources.{name}.{misspelt}", "there is no such setting; did you mean 'adapter'?")
        likely = nearest(name, known) or next(iter(known), "binance")
        raise ConfigError(f"sources.{name}", f'its adapter is missing: write adapter = "{likely}"')
    hint = suggestion(str(wanted), known)
    raise ConfigError(f"sources.{name}.adapter", f"there is no adapter {wanted!r}{hint}")


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, or all of them."""
    names = sorted(known)
    likely = nearest(word, names)
    return f"; did you mean {likely!r}?" if likely else f"; known: {', '.join(names) or 'none'}"


def _refuse_unknown_keys(section: Mapping[str, Any], settings: type[msgspec.Struct], path: str = "") -> None:
    fields = _setting_types(settings)
    for key in section:
        if key not in fields:
            where = f"{path}.{key}" if path else key
            raise ConfigError(where, f"there is no such setting{suggestion(key, fields)}")


def _check_access(config: Config) -> None:
    """Refuse half a certificate, and an address that would be open to others without TLS or tokens."""
    host, _ = _checked_address(config.listen)
    for setting, value in (("tls_key", config.tls_key), ("tls_client_ca", config.tls_client_ca)):
        if value and not config.tls_certificate:
            raise ConfigError("tls_certificate", f"it is missing beside {setting}: name the certificate's PEM file")
    if config.tls_certificate and not config.tls_key:
        raise ConfigError("tls_key", "it is missing beside tls_certificate: name the PEM file of its private key")
    if config.insecure or is_loopback(host):
        return
    missing = [] if config.tls_certificate else ["TLS (tls_certificate and tls_key)"]
    if not config.tokens:
        missing.append("tokens (`tickmux token add NAME` makes the first)")
    if missing:
        raise ConfigError(
            "listen",
            f"other machines can reach {config.listen}, which takes {' and '.join(missing)}; listen on 127.0.0.1, or "
            "accept clear text or callers without tokens with --insecure (insecure = true)",
        )


def _checked_address(listen: str) -> tuple[str, int]:
    try:
        return split_address(listen)
    except ValueError as error:
        raise ConfigError("listen", str(error)) from error


SettingsType = typing.TypeVar("SettingsType", bound=msgspec.Struct)


def _convert(section: Mapping[str, Any], settings: type[SettingsType], path: str) -> SettingsType:
    try:
        return msgspec.convert(section, settings)
    except msgspec.ValidationError as error:
        inner, problem = _explained(error, settings)
        raise ConfigError(".".join(part for part in (path, inner) if part), problem) from error


TYPE_NAMES: Final[Mapping[str, str]] = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text in quotes",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}


def _explained(error: msgspec.ValidationError, settings: type[msgspec.Struct], key: str = "") -> tuple[str, str]:
    """Path within the section and problem, from msgspec's "Expected `int`, got `str` - at `$.key`"."""
    text, _, where = str(error).partition(" - at `$")
    choices = _choices(_setting_types(settings).get(key or where.strip("`.")))
    if text.startswith("Invalid enum value") and choices:
        text = f"Expected one of {', '.join(choices)}"
    # What may be left out is told as what it is otherwise.
    text = re.sub(r"`([a-z]+)(?: \| null)?`", lambda match: TYPE_NAMES.get(match[1], match[0]), text)
    text = text.replace(", got ", ", was ")
    return where.rstrip("`").lstrip("."), text[:1].lower() + text[1:]


def _choices(kind: Any) -> list[str]:
    """The values of a setting that has a few, whether or not it may be left out."""
    if typing.get_origin(kind) is Literal:
        return [str(choice) for choice in typing.get_args(kind)]
    return [choice for part in typing.get_args(kind) for choice in _choices(part)]


def _apply_environment(
    settings: dict[str, Any],
    sections: dict[str, Any],
    environment: Mapping[str, str],
    known: Mapping[str, AdapterType],
) -> None:
    # Adapters first: they decide which settings, and of which type, their sections have.
    for variable in sorted(environment, key=lambda name: (not name.endswith("__ADAPTER"), name)):
        is_setting = variable.startswith(ENVIRONMENT_PREFIX) and variable not in ENVIRONMENT_OF_COMMANDS
        if not is_setting or ENVIRONMENT_OF_KUBERNETES.match(variable):
            continue
        keys = variable.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        if keys[0] == "sources" and len(keys) == 3:
            name = _section_name(keys[1], sections)
            section = sections.setdefault(name, {})
            if not isinstance(section, dict):
                raise ConfigError(f"sources.{name}", f"expected a table: write a section [sources.{name}]")
            if keys[2] == "adapter":
                section["adapter"] = environment[variable]
                continue
            owner: type[msgspec.Struct] = _adapter_of(name, section, known).settings
            section[keys[2]] = _from_text(variable, environment[variable], keys[2], owner)
        elif len(keys) == 1:
            settings[keys[0]] = _from_text(variable, environment[variable], keys[0], Config)
        else:
            raise ConfigError(variable, "settings of a source are named TICKMUX_SOURCES__NAME__SETTING")


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _section_name(written: str, sections: Mapping[str, Any]) -> str:
    """A variable cannot hold the dash of `alpaca-crypto`: an underscore stands for it."""
    return next((name for name in sections if name.lower().replace("-", "_") == written), written.replace("_", "-"))


def _setting_types(settings: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.encode_name: field.type for field in msgspec.structs.fields(settings)}


def _from_text(variable: str, text: str, key: str, settings: type[msgspec.Struct]) -> Any:
    types = _setting_types(settings)
    if key not in types or key == "sources":
        names = types.keys() - {"sources", "adapter"}
        raise ConfigError(variable, f"there is no setting {key!r}{suggestion(key, names)}")
    value: Any = text
    if typing.get_origin(types[key]) is list:
        value = _parts(text)
    elif typing.get_origin(types[key]) is dict:
        pairs = [part.partition("=") for part in _parts(text)]
        if not all(equals for _, equals, _ in pairs):
            raise ConfigError(variable, "expected NAME=VALUE, or several of them with commas between")
        value = {name.strip(): inner.strip() for name, _, inner in pairs}
    try:
        return msgspec.convert(value, types[key], strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(variable, _explained(error, settings, key)[1]) from error
