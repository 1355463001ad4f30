"""Tokens and their records: what a token file may hold, and what is refused with its line."""

from datetime import UTC, datetime, timedelta

import pytest

from tickmux_server.access import tokens
from tickmux_server.access.tokens import TokenRecord

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HASH = "sha256:" + "0f" * 32
OTHER = "sha256:" + "1f" * 32


def test_a_token_is_256_random_bits_and_its_record_does_not_hold_it() -> None:
    made = {tokens.new_token() for _ in range(100)}
    assert len(made) == 100
    for token in made:
        assert tokens.TOKEN.fullmatch(token)
        assert len(token.removeprefix(tokens.TOKEN_PREFIX)) * 6 >= 256
        line = tokens.dump([TokenRecord(name="desk", hash=tokens.hash_of(token))])
        assert token not in line
        assert token.removeprefix(tokens.TOKEN_PREFIX) not in line


def test_what_is_written_is_read_back_one_line_a_token() -> None:
    records = (
        TokenRecord(name="desk-7", hash=HASH),
        TokenRecord(
            name="partner",
            hash=OTHER,
            created_at=NOW,
            expires_at=NOW + timedelta(days=30),
            revoked_at=NOW,
            sources=["kraken", "alpaca-crypto"],
            streams_max=2,
            names_max=50,
        ),
    )
    text = tokens.dump(records)
    assert text.count("\n") == 2
    assert tokens.parse("\n" + text + "\n \n") == records


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "truncated"),
        ("{x}", ": JSON is malformed"),
        ("[]", "expected `object`"),
        (f'{{"name": "a", "hash": "{HASH}", "source": ["kraken"]}}', "unknown field `source`"),
        (f'{{"name": "a b", "hash": "{HASH}"}}', "its name must be"),
        ('{"name": "a", "hash": "sha256:00"}', "64 hexadecimal digits"),
        ('{"name": "a", "hash": "md5:' + "0" * 64 + '"}', "its hash must be 'sha256:'"),
        ('{"name": "a"}', "missing required field `hash`"),
        (f'{{"name": "a", "hash": "{HASH}", "sources": []}}', "leave them out for all"),
        (f'{{"name": "a", "hash": "{HASH}", "sources": ["Kraken!"]}}', "no name of a source"),
        (f'{{"name": "a", "hash": "{HASH}", "streams_max": 0}}', ">= 1"),
        (f'{{"name": "a", "hash": "{HASH}", "expires_at": "2027-01-01T00:00:00"}}', "timezone"),
        (f'{{"name": "desk", "hash": "{HASH}"}}', "another line has its name"),
        (f'{{"name": "other", "hash": "{OTHER}"}}', "another line has its name or its hash"),
    ],
)
def test_what_is_no_record_is_told_by_its_line_and_never_quoted(line: str, said: str) -> None:
    first = f'{{"name": "desk", "hash": "{OTHER}"}}\n'
    with pytest.raises(ValueError, match="line 2 is no token: ") as caught:
        tokens.parse(first + line)
    assert said in str(caught.value)
    assert HASH not in str(caught.value)


def test_too_many_tokens_are_refused() -> None:
    many = [TokenRecord(name=f"t{number}", hash=f"sha256:{number:064x}") for number in range(tokens.TOKENS_MAX + 1)]
    assert len(tokens.parse(tokens.dump(many[:-1]))) == tokens.TOKENS_MAX
    with pytest.raises(ValueError, match="at most"):
        tokens.parse(tokens.dump(many))


def test_the_state_follows_the_clock_and_a_revoked_token_stays_revoked() -> None:
    record = TokenRecord(name="a", hash=HASH, expires_at=NOW)
    assert record.state(NOW - timedelta(microseconds=1)) == "valid"
    assert record.state(NOW) == "expired"
    revoked = TokenRecord(name="a", hash=HASH, expires_at=NOW, revoked_at=NOW)
    assert revoked.state(NOW - timedelta(days=1)) == "revoked"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30d", NOW + timedelta(days=30)),
        ("25s", NOW + timedelta(seconds=25)),
        ("90m", NOW + timedelta(minutes=90)),
        ("12h", NOW + timedelta(hours=12)),
        ("2w", NOW + timedelta(weeks=2)),
        ("2027-01-01T00:00:00Z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T02:00:00+02:00", datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_expiry_is_a_duration_or_a_time(text: str, moment: datetime) -> None:
    assert tokens.parse_expiry(text, NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "soon", "30", "-1d", "0d", "2027-01-01", "2027-01-01T00:00:00", "1y", "0s", "25S"]
)
def test_what_is_no_time_to_come_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no time|not in the future"):
        tokens.parse_expiry(text, NOW)


def test_sources_are_names_with_commas_between() -> None:
    assert tokens.parse_sources("Kraken, binance,kraken") == ["kraken", "binance"]
    for wrong in ("", ",", "a b", "kraken,,binance"):
        with pytest.raises(ValueError, match="source"):
            tokens.parse_sources(wrong)
