"""Whose a call is, by its metadata alone."""

import hmac
from datetime import UTC, datetime

import pytest
from tests.server.feed import ManualClock

from tickmux_server.access import keyring, tokens
from tickmux_server.access.keyring import Keyring
from tickmux_server.access.tokens import TokenRecord
from tickmux_server.errors import Unauthenticated

TOKEN = tokens.new_token()
EXPIRY = datetime(2026, 9, 21, 14, tzinfo=UTC)


def ring(clock: ManualClock, **rights: object) -> Keyring:
    records = [TokenRecord(name=f"t{number}", hash=f"sha256:{number:064x}") for number in range(10)]
    return Keyring([*records, TokenRecord(name="desk", hash=tokens.hash_of(TOKEN), **rights)], clock.wall_ns)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["authorization", "Authorization"])
def test_the_bearer_of_a_token_in_force_is_known(clock: ManualClock, key: str) -> None:
    kept = ring(clock, sources=["kraken"], streams_max=2, names_max=3)
    principal = kept.principal(kept.identify([("user-agent", "x"), (key, f"Bearer {TOKEN}")]))
    assert (principal.name, principal.streams_max, principal.names_max) == ("desk", 2, 3)
    assert principal.may_see("Kraken")
    assert not principal.may_see("binance")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEARER"])
def test_the_case_of_the_scheme_means_nothing(clock: ManualClock, scheme: str) -> None:
    kept = ring(clock)
    assert kept.principal(kept.identify([("authorization", f"{scheme} {TOKEN}")])).name == "desk"


REFUSED: dict[str, list[tuple[str, str | bytes]]] = {
    "nothing": [],
    "another key": [("x-authorization", f"Bearer {TOKEN}")],
    "a binary key": [("authorization-bin", f"Bearer {TOKEN}".encode())],
    "a binary value": [("authorization", f"Bearer {TOKEN}".encode())],
    "an empty value": [("authorization", "")],
    "the scheme alone": [("authorization", "Bearer")],
    "the scheme and a space": [("authorization", "Bearer ")],
    "no scheme": [("authorization", TOKEN)],
    "another scheme": [("authorization", f"Basic {TOKEN}")],
    "a longer scheme": [("authorization", f"Bearers {TOKEN}")],
    "a tab": [("authorization", f"Bearer\t{TOKEN}")],
    "two spaces": [("authorization", f"Bearer  {TOKEN}")],
    "a space behind": [("authorization", f"Bearer {TOKEN} ")],
    "a line end behind": [("authorization", f"Bearer {TOKEN}\n")],
    "two tokens in one": [("authorization", f"Bearer {TOKEN}, Bearer {TOKEN}")],
    "twice": [("authorization", f"Bearer {TOKEN}")] * 2,
    "twice by case": [("authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")],
    "an empty one beside it": [("authorization", f"Bearer {TOKEN}"), ("authorization", "")],
    "over-long": [("authorization", f"Bearer {TOKEN}" + "A" * 10_000)],
    "too short": [("authorization", f"Bearer {TOKEN[:-1]}")],
    "another case": [("authorization", f"Bearer {TOKEN.upper()}")],
    "the hash": [("authorization", f"Bearer {tokens.hash_of(TOKEN)}")],
    "an unknown token": [("authorization", f"Bearer {tokens.new_token()}")],
    "letters that are not ASCII": [("authorization", f"Bearer {TOKEN[:-1]}é")],
}


@pytest.mark.parametrize("metadata", REFUSED.values(), ids=REFUSED.keys())
def test_anything_else_is_refused_in_the_same_words(
    clock: ManualClock, metadata: list[tuple[str, str | bytes]]
) -> None:
    with pytest.raises(Unauthenticated) as caught:
        ring(clock).identify(metadata)
    assert str(caught.value) == str(Unauthenticated())


@pytest.mark.parametrize(
    "rights", [{"revoked_at": EXPIRY}, {"expires_at": EXPIRY}], ids=["a revoked token", "an expired one"]
)
def test_a_token_that_is_out_of_force_is_refused_in_the_same_words(
    clock: ManualClock, rights: dict[str, datetime]
) -> None:
    clock.wall = round(EXPIRY.timestamp()) * 1_000_000_000
    with pytest.raises(Unauthenticated) as caught:
        ring(clock, **rights).identify([("authorization", f"Bearer {TOKEN}")])
    assert str(caught.value) == str(Unauthenticated())


def test_a_token_ends_with_the_clock_alone(clock: ManualClock) -> None:
    kept = ring(clock, expires_at=EXPIRY)
    clock.wall = round(EXPIRY.timestamp()) * 1_000_000_000 - 1_000
    digest = kept.identify([("authorization", f"Bearer {TOKEN}")])
    before = kept.principal(digest)
    assert kept.objection(digest, before) == ""
    clock.advance(0.001)
    assert kept.objection(digest, before) == "has expired"
    with pytest.raises(Unauthenticated):
        kept.principal(digest)


def test_every_digest_is_compared_in_constant_time(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def count(left: bytes, right: bytes) -> bool:
        compared.append(left)
        return hmac.compare_digest(left, right)

    kept = ring(clock)
    # The module's own name for it is replaced; the comparison itself stays the real one.
    monkeypatch.setattr(keyring, "hmac", type("Counting", (), {"compare_digest": staticmethod(count)}))
    kept.identify([("authorization", f"Bearer {TOKEN}")])
    assert len(compared) == len(set(compared)) == 11
    compared.clear()
    with pytest.raises(Unauthenticated):
        kept.identify([("authorization", f"Bearer {tokens.new_token()}")])
    assert len(compared) == 11


@pytest.mark.parametrize(
    ("before", "after", "objection"),
    [
        ({}, {}, ""),
        ({"sources": ["kraken"]}, {}, ""),
        ({}, {"sources": ["kraken"]}, "allows less than before"),
        ({"sources": ["kraken"]}, {"sources": ["kraken", "binance"]}, ""),
        ({"sources": ["kraken", "binance"]}, {"sources": ["kraken"]}, "allows less than before"),
        ({"streams_max": 2}, {"streams_max": 3}, ""),
        ({"streams_max": 2}, {"streams_max": 1}, "allows less than before"),
        ({}, {"names_max": 1}, "allows less than before"),
        ({"names_max": 1}, {}, ""),
        ({}, {"revoked_at": EXPIRY}, "was revoked"),
    ],
)
def test_a_stream_may_go_on_unless_its_token_allows_less(
    clock: ManualClock, before: dict[str, object], after: dict[str, object], objection: str
) -> None:
    kept = ring(clock, **before)
    digest = kept.identify([("authorization", f"Bearer {TOKEN}")])
    principal = kept.principal(digest)
    kept.replace([TokenRecord(name="desk", hash=tokens.hash_of(TOKEN), **after)])  # type: ignore[arg-type]
    assert kept.objection(digest, principal) == objection
    kept.replace([])
    assert kept.objection(digest, principal) == "was removed"
