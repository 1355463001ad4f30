"""Tokens that change under a running server: what is taken, what is kept, and what is logged."""

import logging
from pathlib import Path

import pytest
from tests.server.access.guarded import Keys, bearer
from tests.server.feed import ManualClock

from tickmux_server.access.token_file import TokenFileUnusable
from tickmux_server.access.watch import REFUSED_LOG_INTERVAL_S, TokenWatch
from tickmux_server.errors import Unauthenticated


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def watching(keys: Keys, clock: ManualClock) -> TokenWatch:
    return TokenWatch(keys.file.path, clock, sources={"kraken"})


def opens(watch: TokenWatch, token: str) -> bool:
    try:
        watch._keyring.identify(bearer(token))
    except Unauthenticated:
        return False
    return True


def test_a_change_is_taken_once_the_file_stands_still(keys: Keys, clock: ManualClock) -> None:
    first = keys.add("first")
    watch = watching(keys, clock)
    second = keys.add("second")
    watch.follow()
    assert not opens(watch, second), "it may be half written"
    watch.follow()
    assert opens(watch, first)
    assert opens(watch, second)


def test_a_file_that_an_editor_has_emptied_for_a_moment_shuts_nobody_out(keys: Keys, clock: ManualClock) -> None:
    token = keys.add("desk")
    watch = watching(keys, clock)
    content = keys.file.path.read_bytes()
    keys.file.path.write_bytes(b"")
    watch.follow()
    keys.file.path.write_bytes(content)
    for _ in range(3):
        watch.follow()
        assert opens(watch, token)


@pytest.mark.parametrize("harm", ["broken", "writable by all", "gone", "a folder"])
def test_what_cannot_be_used_keeps_the_tokens_before_and_is_told_once(
    keys: Keys, clock: ManualClock, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    token = keys.add("desk")
    watch = watching(keys, clock)
    path = keys.file.path
    if harm == "broken":
        path.write_text(path.read_text() + '{"name": "half')
    elif harm == "writable by all":
        path.write_text("\n" + path.read_text())
        path.chmod(0o666)
    else:
        path.unlink()
        if harm == "a folder":
            path.mkdir()
    for _ in range(5):
        watch.follow()
        watch.check()
    assert opens(watch, token)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage().endswith("the tokens that it held before stay in force")
    assert str(path) in record.getMessage()


def test_one_that_has_become_empty_is_warned_of_with_what_to_do(
    keys: Keys, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    token = keys.add("desk")
    watch = watching(keys, clock)
    keys.file.path.write_bytes(b"")
    watch.follow()
    watch.follow()
    assert not opens(watch, token)
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    text = record.getMessage()
    assert text.startswith(f"{keys.file.path} has become empty: all tokens are gone")
    assert "put its lines back from a copy" in text
    assert f"`tickmux token add NAME --tokens {keys.file.path}`" in text


def test_counts_are_told_in_the_right_number(keys: Keys, clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    keys.add("desk")
    watching(keys, clock)
    keys.add("other")
    watching(keys, clock)
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"1 token in {keys.file.path}", f"2 tokens in {keys.file.path}"]


def test_one_that_is_mended_is_taken_again(keys: Keys, clock: ManualClock) -> None:
    keys.add("desk")
    watch = watching(keys, clock)
    content = keys.file.path.read_bytes()
    keys.file.path.write_text("{")
    watch.follow()
    watch.follow()
    keys.file.path.write_bytes(content)
    other = keys.add("other")
    watch.follow()
    watch.follow()
    assert opens(watch, other)


def test_one_that_cannot_be_used_at_the_start_stops_it(keys: Keys, clock: ManualClock) -> None:
    keys.file.path.chmod(0o602)
    with pytest.raises(TokenFileUnusable, match="chmod 600"):
        watching(keys, clock)


def test_calls_without_a_token_are_told_together(
    keys: Keys, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    keys.add("desk")
    watch = watching(keys, clock)

    def told() -> list[str]:
        return [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]

    for _ in range(100):
        watch.gate.refused += 1
        watch.check()
        clock.advance(0.1)
    assert told() == ["refused 1 call without a token in force"]
    clock.advance(REFUSED_LOG_INTERVAL_S)
    watch.check()
    assert told()[1:] == ["refused 99 calls without a token in force"]


def test_what_is_odd_is_warned_of(keys: Keys, clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    watching(keys, clock)
    keys.add("partner", sources=["karken", "kraken", "consolidated"])
    keys.file.path.chmod(0o644)
    watching(keys, clock)
    text = caplog.text
    assert "holds no token, so nobody gets in" in text
    assert "token partner names sources that are not configured: karken\n" in text
    assert "everyone on this machine can read" in text
