"""Records written by hand: a run in a few lines, for tests of validators."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tests.robustness.history import History, assemble
from tests.robustness.kinds import EVERYTHING, Kind
from tests.robustness.plan import Plan
from tests.robustness.records import (
    Appended,
    Asked,
    CallBegun,
    CallEnded,
    LifeBegun,
    Line,
    Listed,
    Quoted,
    Received,
    Stated,
    ToldQuote,
    ToldStatus,
)

NS_PER_S: Final = 1_000_000_000
EPOCH: Final = 100
PLAN: Final = Plan(
    seed=0,
    steps=(),
    history_age_s=1.0,
    history_bytes_max=1 << 20,
    stream_age_s=600.0,
    drain_s=1.0,
    write_deadline_s=1.0,
    stale_after_s=1.0,
    chunk_bytes=32_000,
    rate=0.0,
)


class Script:
    """Lines of a run in the order in which they are written. Time stands still unless it is told to pass."""

    def __init__(self, *kinds: Kind) -> None:
        self.now_ns = NS_PER_S
        self.lines: list[Line] = []
        self.server_log: list[str] = []
        self._kinds = {kind.name: kind for kind in kinds or (Kind(name="client"),)}
        self._head = 0
        self._numbers: dict[tuple[str, int], int] = {}
        self._calls: dict[str, int] = {}

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += round(seconds * NS_PER_S)

    def life(self, log: str = "log") -> None:
        """Begin a life of the log, with a source that is live."""
        self._head = 0
        self.lines.append(LifeBegun(self.now_ns, log, 1))
        self.append(
            Stated("binance", "0", "LIVE", EPOCH, 1), Listed("binance", "BTC", "0"), Listed("binance", "ETH", "0")
        )

    def append(self, *entries: Stated | Listed | Quoted) -> None:
        """Have the log take a batch."""
        self.wait(0.001)
        self.lines.append(Appended(self.now_ns, self._head + 1, entries))
        self._head += len(entries)

    def publish(self, symbol: str, *revisions: int, epoch: int = EPOCH) -> None:
        """Have the log take quotes."""
        for revision in revisions:
            self.append(Quoted("binance", symbol, epoch, revision, f"{symbol}{epoch}/{revision}", 200))

    def call(
        self,
        client: str = "client",
        *,
        asked: Asked = EVERYTHING,
        token: str = "",
        token_from: tuple[int, int] | None = None,
    ) -> int:
        """Begin a call; its number."""
        self.wait(0.001)
        number = self._calls[client] = self._calls.get(client, -1) + 1
        self.lines.append(CallBegun(self.now_ns, client, number, asked, token, token_from))
        return number

    def told(
        self,
        quotes: Iterable[tuple[str, int]] = (),
        *,
        client: str = "client",
        continuity: str = "UNSPECIFIED",
        token: str = "t",
        state: str = "",
        **fields: Any,
    ) -> None:
        """Have the present call of a client receive a response with these quotes (symbol, revision).

        `state` adds a status of the source; an opening has one by itself.
        """
        self.wait(0.001)
        call = self._calls[client]
        number = self._numbers[(client, call)] = self._numbers.get((client, call), -1) + 1
        epoch = fields.pop("epoch", EPOCH)
        is_stale = fields.pop("is_stale", False)
        if continuity != "UNSPECIFIED":
            state = state or "LIVE"
        plain: dict[str, Any] = {"caught_up": False, "conflated": 0, "going_away": False, "unmatched": ()}
        self.lines.append(
            Received(
                at_ns=self.now_ns,
                client=client,
                call=call,
                number=number,
                continuity=continuity,
                token=token,
                statuses=(ToldStatus("binance", "0", state, EPOCH),) if state else (),
                quotes=tuple(
                    ToldQuote("binance", symbol, "0", epoch, revision, f"{symbol}{epoch}/{revision}", is_stale)
                    for symbol, revision in quotes
                ),
                sent_at_ns=self.now_ns,
                size=100,
                **{**plain, **fields},
            )
        )

    def snapshot(self, quotes: Mapping[str, int], **fields: Any) -> None:
        """Have the present call receive the whole state in one response."""
        self.told(quotes.items(), **{"continuity": "SNAPSHOT", "caught_up": True, **fields})

    def end(self, code: str = "CUT", *, client: str = "client", reason: str = "", retry_s: float | None = None) -> None:
        """End the present call of a client; by itself if the code is none of gRPC's."""
        self.wait(0.001)
        by_client = code in {"CUT", "STOPPED", "SILENT"}
        self.lines.append(CallEnded(self.now_ns, client, self._calls[client], by_client, code, reason, retry_s, ""))

    def history(self) -> History:
        """The run."""
        return assemble(PLAN, self.lines, self._kinds, self.server_log)
