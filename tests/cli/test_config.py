"""Each layer of the configuration, and each way to get it wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from tickmux_adapters.model import Adapter, Clock, Sink
from tickmux_adapters.registry import AdapterType, SourceSettings
from tickmux_server.config import Config, ConfigError, load_config
from tickmux_server.errors import TickmuxError


class VenueSettings(SourceSettings, kw_only=True):
    websocket_url: str = "wss://feed.example/ws"
    connections_max: int = 2
    poll_s: float = 1.5
    entitlement: Literal["realtime", "delayed"] | None = None
    per_day: int | None = None
    coins: dict[str, str] = msgspec.field(default_factory=dict)


def _no_adapter(name: str, settings: Any, sink: Sink, clock: Clock) -> Adapter:
    raise AssertionError("the configuration makes no adapter")


ADAPTERS = {
    name: AdapterType(name=name, settings=VenueSettings, create=_no_adapter, is_simulated=lambda settings: False)
    for name in ("binance", "kraken")
}


def load(
    toml: str | None = None,
    tmp_path: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **flags: object,
) -> Config:
    file = None
    if toml is not None:
        assert tmp_path is not None
        file = tmp_path / "tickmux.toml"
        file.write_text(toml, encoding="utf-8")
    return load_config(file, environment or {}, flags, adapters=ADAPTERS)


def test_without_a_file_ten_pairs_of_both_venues_on_loopback() -> None:
    config = load()
    assert config.listen == "127.0.0.1:50051"
    assert config.history_bytes_max == 256 * 1024 * 1024
    assert sorted(config.sources) == ["binance", "kraken"]
    assert len(config.sources["binance"].symbols) == len(config.sources["kraken"].symbols) == 10
    assert config.sources["binance"].symbols[0] == "BTCUSDT"
    assert config.sources["kraken"].symbols[0] == "BTCUSD"
    assert isinstance(config.sources["kraken"], VenueSettings)


def test_each_layer_overrides_the_one_before(tmp_path: Path) -> None:
    toml = 'listen = "127.0.0.1:1"\ndrain_s = 1\nhistory_age_s = 10\n[sources.kraken]\nadapter = "kraken"\n'
    environment = {"TICKMUX_LISTEN": "127.0.0.1:2", "TICKMUX_HISTORY_AGE_S": "20"}
    config = load(toml, tmp_path, environment, listen="127.0.0.1:3")
    assert (config.listen, config.history_age_s, config.drain_s) == ("127.0.0.1:3", 20.0, 1.0)
    assert list(config.sources) == ["kraken"], "the sources of a file replace the default ones"


def test_default_sources_are_those_of_the_caller_where_nothing_names_any(tmp_path: Path) -> None:
    sections = {"kraken-demo": {"adapter": "kraken", "symbols": ["BTCUSD"]}}
    config = load_config(None, {}, {}, adapters=ADAPTERS, default_sources=sections)
    assert list(config.sources) == ["kraken-demo"]
    file = tmp_path / "tickmux.toml"
    file.write_text('[sources.binance]\nadapter = "binance"\n')
    assert list(load_config(file, {}, {}, adapters=ADAPTERS, default_sources=sections).sources) == ["binance"]


def test_file_without_sources_keeps_the_default_ones(tmp_path: Path) -> None:
    assert sorted(load("drain_s = 2\n", tmp_path).sources) == ["binance", "kraken"]


def test_environment_reaches_into_sources_and_adds_them() -> None:
    config = load(
        environment={
            "TICKMUX_SOURCES__BINANCE__SYMBOLS": "BTCUSDT, ETHUSDT,",
            "TICKMUX_SOURCES__BINANCE__CONNECTIONS_MAX": "5",
            "TICKMUX_SOURCES__BINANCE__POLL_S": "0.5",
            "TICKMUX_SOURCES__BINANCE__SIMULATED": "true",
            "TICKMUX_SOURCES__BINANCE__COINS": "BTC=bitcoin, ETH = ethereum",
            "TICKMUX_SOURCES__KRAKEN_EU__WEBSOCKET_URL": "ws://127.0.0.1:1/v2",
            "TICKMUX_SOURCES__KRAKEN_EU__ADAPTER": "kraken",
            "TICKMUX_CONFIG": "read elsewhere",
            "TICKMUX_SERVICE_HOST": "10.0.0.1",
            "TICKMUX_PORT": "tcp://10.0.0.1:50051",
            "TICKMUX_PORT_50051_TCP_ADDR": "10.0.0.1",
            "HOME": "/nowhere",
        }
    )
    binance, extra = config.sources["binance"], config.sources["kraken-eu"]
    assert isinstance(binance, VenueSettings)
    assert binance.symbols == ["BTCUSDT", "ETHUSDT"]
    assert (binance.connections_max, binance.poll_s, binance.simulated) == (5, 0.5, True)
    assert binance.coins == {"BTC": "bitcoin", "ETH": "ethereum"}
    assert isinstance(extra, VenueSettings)
    assert (extra.adapter, extra.websocket_url) == ("kraken", "ws://127.0.0.1:1/v2")


def test_configuration_errors_are_the_servers_own() -> None:
    assert issubclass(ConfigError, TickmuxError)


KRAKEN = '[sources.kraken]\nadapter = "kraken"\n'


@pytest.mark.parametrize(
    ("toml", "where", "said"),
    [
        ("lissten = 'a:1'", "lissten", "did you mean 'listen'?"),
        ("zzzzqqq = 1", "zzzzqqq", "known: consolidated, drain_s"),
        (KRAKEN + "symbol = ['BTCUSD']", "sources.kraken.symbol", "did you mean 'symbols'?"),
        ("[sources.kraken]\nadapter = 'kraaken'", "sources.kraken.adapter", "did you mean 'kraken'?"),
        ("[sources.kraken]\nadapter = 'nyse'", "sources.kraken.adapter", "known: binance, kraken"),
        ("[sources.kraken]\nsymbols = []", "sources.kraken", 'write adapter = "kraken"'),
        ("[sources.kraken]\nadaptor = 'kraken'", "sources.kraken.adaptor", "did you mean 'adapter'?"),
        (KRAKEN + "symbols = []", "sources.kraken.symbols", "leave it out"),
        (KRAKEN + "entitlement = 'x'", "sources.kraken.entitlement", "expected one of realtime, delayed"),
        (KRAKEN + "per_day = 'x'", "sources.kraken.per_day", "expected a whole number, was a text in quotes"),
        (KRAKEN + "symbols = ['BTCUSD', ' ']", "sources.kraken.symbols[1]", "is no symbol"),
        (KRAKEN + "symbols = ['BTC*']", "sources.kraken.symbols[0]", "write each one out"),
        ("history_age_s = inf", "history_age_s", "86400"),
        ("[sources.Kraken]\nadapter = 'kraken'", "sources.Kraken", "lower-case"),
        ("[sources.consolidated]\nadapter = 'kraken'", "sources.consolidated", "reserved"),
        ("[sources]\nkraken = 1", "sources.kraken", "[sources.kraken]"),
        ("sources = ['kraken']", "sources", "expected a table"),
        ("[sources]", "sources", "no source is configured"),
        ("history_bytes_max = 'much'", "history_bytes_max", "expected a whole number, was a text in quotes"),
        ("history_bytes_max = 1", "history_bytes_max", "1048576"),
        ("insecure = 'yes'", "insecure", "expected true or false, was a text in quotes"),
        (KRAKEN + "symbols = 'BTCUSD'", "sources.kraken.symbols", "expected a list, was a text in quotes"),
        (KRAKEN + "symbols = ['BTCUSD', 7]", "sources.kraken.symbols[1]", "expected a text in quotes, was a whole"),
        (KRAKEN + "poll_s = true", "sources.kraken.poll_s", "expected a number, was true or false"),
        ("log_level = 'loud'", "log_level", "debug, info, warning, error"),
        ("listen = 'everywhere'", "listen", "HOST:PORT"),
        ("listen = '127.0.0.1:70000'", "listen", "0 to 65535"),
        ("listen = '::1:50051'", "listen", "HOST:PORT"),
        ("listen = '0.0.0.0:50051'", "listen", "--insecure"),
        ("listen = 'quotes.example:50051'", "listen", "--insecure"),
        ("listen = '[::]:50051'", "listen", "--insecure"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_write(tmp_path: Path, toml: str, where: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(toml, tmp_path)
    assert caught.value.where == where
    assert said in caught.value.problem
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("listen", ["localhost:1", "127.8.9.1:1", "[::1]:1"])
def test_every_loopback_address_is_safe(listen: str) -> None:
    assert load(listen=listen).listen == listen


def test_insecure_opens_other_addresses() -> None:
    assert load(listen="0.0.0.0:50051", insecure=True).insecure


TLS: dict[str, Any] = {"tls_certificate": "server.pem", "tls_key": "server-key.pem"}
TOKENS: dict[str, Any] = {"tokens": "tokens.jsonl"}


def test_another_address_takes_tls_and_tokens() -> None:
    assert load(listen="0.0.0.0:50051", **TLS, **TOKENS).tokens == "tokens.jsonl"
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "which takes TLS (tls_certificate and tls_key) and tokens"),
        (TLS, "which takes tokens"),
        (TOKENS, "which takes TLS (tls_certificate and tls_key); "),
        ({**TLS, "tls_client_ca": "ca.pem"}, "which takes tokens"),
    )
    for settings, missing in cases:
        with pytest.raises(ConfigError) as caught:
            load(listen="0.0.0.0:50051", **settings)
        assert caught.value.where == "listen"
        assert missing in caught.value.problem
        assert load(listen="0.0.0.0:50051", insecure=True, **settings).insecure


@pytest.mark.parametrize("settings", [{}, TLS, TOKENS, {**TLS, **TOKENS, "tls_client_ca": "ca.pem"}])
def test_on_loopback_each_of_them_is_optional(settings: dict[str, Any]) -> None:
    assert load(**settings).listen == "127.0.0.1:50051"


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"tls_certificate": "server.pem"}, "tls_key"),
        ({"tls_key": "server-key.pem"}, "tls_certificate"),
        ({"tls_client_ca": "ca.pem"}, "tls_certificate"),
    ],
)
def test_half_a_certificate_is_told(settings: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError, match="it is missing beside") as caught:
        load(insecure=True, **settings)
    assert caught.value.where == where


def test_what_the_asking_commands_take_from_the_environment_is_no_setting() -> None:
    names = ("TOKEN", "TOKEN_FILE", "TLS", "CA", "CERTIFICATE", "KEY", "SERVER_NAME", "TARGET")
    config = load(environment={f"TICKMUX_{name}": "x" for name in names} | {"TICKMUX_TOKENS": "tokens.jsonl"})
    assert config.tokens == "tokens.jsonl"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TICKMUX_LISSTEN", "127.0.0.1:1", "did you mean 'listen'?"),
        ("TICKMUX_SOURCES", "kraken", "there is no setting 'sources'"),
        ("TICKMUX_DRAIN__S", "1", "TICKMUX_SOURCES__NAME__SETTING"),
        ("TICKMUX_LOG_LEVEL", "loud", "expected one of debug, info, warning, error"),
        ("TICKMUX_DRAIN_S", "soon", "expected a number"),
        ("TICKMUX_SOURCES__KRAKEN__SYMBOLL", "BTCUSD", "did you mean 'symbols'?"),
        ("TICKMUX_SOURCES__KRAKEN__CONNECTIONS_MAX", "many", "expected a whole number"),
        ("TICKMUX_SOURCES__KRAKEN__COINS", "bitcoin", "expected NAME=VALUE"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(environment={variable: value})
    assert caught.value.where == variable
    assert said in caught.value.problem
    assert value not in caught.value.problem or value in said, "a variable may hold a secret"


def test_a_variable_of_an_unknown_source_needs_its_adapter() -> None:
    with pytest.raises(ConfigError, match="its adapter is missing"):
        load(environment={"TICKMUX_SOURCES__NYSE__SYMBOLS": "AAPL"})


def test_broken_toml_is_located(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 2"):
        load("drain_s = 1\nlisten 5", tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "absent.toml", {}, {}, adapters=ADAPTERS)
    with pytest.raises(ConfigError, match="Is a directory"):
        load_config(tmp_path, {}, {}, adapters=ADAPTERS)
    (tmp_path / "latin.toml").write_bytes(b"listen = '\xe9'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path / "latin.toml", {}, {}, adapters=ADAPTERS)


def test_consolidated_is_served_unless_it_is_switched_off() -> None:
    assert load_config(None, {}, {}).consolidated
    assert not load_config(None, {"TICKMUX_CONSOLIDATED": "false"}, {}).consolidated
