"""Keys: where they come from, and that no text holds them."""

import logging
from pathlib import Path

import pytest
from tests.adapters.clock import ManualClock
from tests.adapters.recorder import Recorder

from tickmux_adapters.errors import SettingsError, VenueRejected
from tickmux_adapters.failures import refusal
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import SourceState
from tickmux_adapters.secrets import KNOWN_MAX, KeyUnusable, check_variable, has_key, hide, read_key, redact
from tickmux_server.cli.logs import OneLineFormatter

KEY = "K3Y/with+signs=1"


def test_a_key_comes_from_its_variable_or_from_a_file_that_may_change(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-a-file-1\n")
    assert read_key("A_KEY", {"A_KEY": f" {KEY} "}) == KEY
    assert read_key("A_KEY", {"A_KEY_FILE": str(file)}) == "from-a-file-1"
    file.write_text("from-a-file-2\n")
    assert read_key("A_KEY", {"A_KEY_FILE": str(file)}) == "from-a-file-2"
    assert read_key("A_KEY", {"A_KEY": KEY, "A_KEY_FILE": str(file)}) == KEY
    assert has_key("A_KEY", {"A_KEY_FILE": "x"})
    assert not has_key("A_KEY", {"A_KEY": " "})


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({}, "no key: set A_KEY, or A_KEY_FILE to a file that holds it"),
        ({"A_KEY": "  "}, "no key: set A_KEY"),
        (
            {"A_KEY_FILE": "/nowhere/at/all"},
            "the key's file /nowhere/at/all cannot be read (No such file or directory): set A_KEY",
        ),
        ({"A_KEY": "abc"}, "what stands for the key is none: set A_KEY"),
        ({"A_KEY": "two words"}, "what stands for the key is none: set A_KEY"),
        ({"A_KEY": "line\nbreak"}, "what stands for the key is none: set A_KEY"),
        ({"A_KEY": "x" * 513}, "what stands for the key is none: set A_KEY"),
    ],
)
def test_what_is_no_key_says_what_to_set_and_never_itself(environment: dict[str, str], problem: str) -> None:
    with pytest.raises(KeyUnusable) as caught:
        read_key("A_KEY", environment)
    assert str(caught.value).startswith(problem)
    assert isinstance(caught.value, VenueRejected)
    assert "two words" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["A_KEY", "_key2", "ALPACAKEY", "KEY2", "APCA_API_KEY_ID", "K3Y_OF_THE_SECOND_ACCOUNT"]
)
def test_names_of_variables(name: str) -> None:
    check_variable("one", "key_variable", name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A KEY",
        "A-KEY",
        "2KEY",
        "A_KEY\n",
        "SCHLÜSSEL",
        KEY,
        "CG-abcdef0123456789",
        "PKTESTKEY0123456789",
        "Zq3" * 14,
    ],
)
def test_what_is_no_name_of_a_variable_may_be_a_key_and_is_not_quoted(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_variable("one", "key_variable", name)
    assert (caught.value.source, caught.value.setting) == ("one", "key_variable")
    assert not name or name not in str(caught.value)


def test_a_key_is_hidden_however_it_is_written() -> None:
    hide(KEY)
    hide(KEY + "-longer")
    for text in (KEY, KEY.lower(), "K3Y%2Fwith%2Bsigns%3D1", f"before {KEY} after", f"{KEY}-longer"):
        assert "signs" not in redact(text), text
    assert redact("nothing secret here") == "nothing secret here"


def test_a_key_too_short_to_be_a_secret_is_read_but_blots_out_no_word() -> None:
    for key in ("demo", "seven-7"):
        assert read_key("A_KEY", {"A_KEY": key}) == key
        assert redact(f'plan = "{key}"') == f'plan = "{key}"'
    assert read_key("A_KEY", {"A_KEY": "eight-88"}) == "eight-88"
    assert redact("plan = eight-88") == "plan = [key]"


def test_only_so_many_keys_are_kept_in_mind() -> None:
    for number in range(KNOWN_MAX + 1):
        hide(f"bounded-key-{number}-")
    assert redact("bounded-key-0-") == "bounded-key-0-"
    assert redact(f"bounded-key-{KNOWN_MAX}-") == "[key]"


def test_statuses_errors_samples_and_logs_are_clean(caplog: pytest.LogCaptureFixture) -> None:
    hide(KEY)
    health = ChannelHealth(source="s", channel="0", sink=Recorder(), clock=ManualClock())
    health.enter(SourceState.REJECTED, f"the venue said: your key {KEY} is wrong")
    health.note("x" * 495 + KEY)
    with caplog.at_level(logging.WARNING):
        health.count_malformed(f"not JSON: {KEY}", b"<html>" + b"x" * 190 + KEY.encode())
    told = [health.status().last_error, caplog.text, str(refusal(401, {}, "venue", f"bad key {KEY}"))]
    for text in told:
        assert "signs" not in text
        assert "K3Y" not in text
    record = logging.LogRecord("any", logging.ERROR, "file", 1, "a url?apikey=%s", (KEY,), None)
    assert OneLineFormatter().format(record).endswith("a url?apikey=[key]")
