"""What holds in every run, whatever the scenario: the rules by which any client library is judged."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tests.conformance.lines import fields_of, shown
from tests.conformance.order import order
from tests.conformance.record import Failure, Record
from tests.conformance.staleness import staleness

from tickmux.v1 import market_data_service_pb2 as pb


def judge(record: Record) -> list[Failure]:
    """The failures of a run: those of the general rules first, as they say more than a line that differs."""
    general = [Failure(rule, text) for rule, check in _RULES.items() for text in check(record)]
    return [*general, *record.failures]


def _content(record: Record) -> Iterator[str]:
    """Every quote is one that the server sent, field by field."""
    sent: dict[tuple[object, ...], list[dict[str, object]]] = {}
    for message in record.sent:
        sent.setdefault((message.source, message.symbol, message.epoch, message.revision), []).append(
            fields_of(message)
        )
    for line in record.lines:
        if line["line"] != "Quote":
            continue
        key = (line["source"], line["symbol"], line["epoch"], line["revision"])
        if key not in sent:
            yield f"{shown(line)} was never sent"
            return
        if not any(_is_same(line, fields) for fields in sent[key]):
            (fields, *_) = sent[key]
            differing = [
                f"`{name}` is {line[name]!r}, and {value!r} was sent"
                for name, value in fields.items()
                if line[name] != value
            ]
            yield f"{shown(line)} is not what was sent: {'; '.join(differing)}"
            return


def _is_same(line: Mapping[str, object], fields: Mapping[str, object]) -> bool:
    return all(line[name] == value for name, value in fields.items())


def _requests(record: Record) -> Iterator[str]:
    """Every call asks for what the program was told to ask for."""
    options = record.scenario.all_options
    delivery = options.get("delivery", "ALL")
    interval_s = options.get("heartbeat_interval_s")
    for number, received in enumerate(record.received, 1):
        request = received.request
        asked = {
            "symbols": list(request.selection.symbols),
            "sources": list(request.selection.sources),
            "delivery": pb.Delivery.Name(request.delivery or pb.DELIVERY_ALL).removeprefix("DELIVERY_"),
            "heartbeat_interval_s": request.heartbeat_interval.ToTimedelta().total_seconds(),
        }
        wanted = {
            "symbols": options.get("symbols", []),
            "sources": options.get("sources", []),
            "delivery": delivery,
            "heartbeat_interval_s": asked["heartbeat_interval_s"] if interval_s is None else interval_s,
        }
        for name, value in wanted.items():
            if asked[name] != value:
                yield f"call {number} had to ask for {name}={value!r}, and asked for {asked[name]!r}"
                return


def _secrets(record: Record) -> Iterator[str]:
    """The bearer token is sent with every call, and shown nowhere."""
    token = record.scenario.all_options.get("token")
    expected = f"Bearer {token}" if token else None
    for number, received in enumerate(record.received, 1):
        if received.metadata.get("authorization") != expected:
            yield f"call {number} had to carry the metadata `authorization` of the token, and did not"
            return
    for line in record.lines:
        if token and str(token) in str(line):
            yield f"a {line['line']} line shows the token"
            return
    if token and any(str(token) in line for line in record.log):
        yield "what the program writes to stderr shows the token"


_RULES: Final[Mapping[str, Callable[[Record], Iterator[str]]]] = {
    "content": _content,
    "order": order,
    "stale": staleness,
    "requests": _requests,
    "secrets": _secrets,
}
"""By name."""
