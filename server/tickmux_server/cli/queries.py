"""The commands that ask once and print: snapshot, sources, instruments, health."""

import argparse
import asyncio
import shutil
import sys
import time
from typing import Final

import grpc.aio

from tickmux_client import AccessDeniedError, Instrument, UnavailableError
from tickmux_server.cli.asking import asking, report_nothing, report_unmatched, say, selection_of
from tickmux_server.cli.board import QuoteBoard
from tickmux_server.cli.errors import ExitCode
from tickmux_server.cli.figures import UNKNOWN, decimal_text
from tickmux_server.cli.jsonlines import instrument_record, line, quote_record, status_record
from tickmux_server.cli.layout import Column
from tickmux_server.cli.stdout import write_now
from tickmux_server.cli.table import Cell, plain_text, quote_table, source_table, table

HEALTH_TIMEOUT_S: Final = 3.0
PIPE_WIDTH: Final = 200

INSTRUMENT_COLUMNS: Final = tuple(
    Column(title, is_right=title == "STEP")
    for title in ("SYMBOL", "TYPE", "EXCHANGE", "SOURCE", "VENUE SYMBOL", "STEP", "STATE")
)


def snapshot(options: argparse.Namespace) -> ExitCode:
    """Print the latest quote of each selected instrument."""
    return asyncio.run(_snapshot(options))


def sources(options: argparse.Namespace) -> ExitCode:
    """Print the health of every source."""
    return asyncio.run(_sources(options))


def instruments(options: argparse.Namespace) -> ExitCode:
    """Print what can be quoted."""
    return asyncio.run(_instruments(options))


async def _snapshot(options: argparse.Namespace) -> ExitCode:
    async with asking(options) as client:
        answer = await client.snapshot(options.symbols, **selection_of(options))
        if options.json:
            _print(line({"symbols": [quote_record(quote.message) for quote in answer.quotes]}))
        else:
            board = _board()
            for status in answer.source_statuses:
                board.status(status.message)
            for quote in answer.quotes:
                board.quote(quote.message)
            rows = board.rows()
            if rows:
                _print(plain_text(quote_table(rows, _width(), with_rates=False)))
            elif not answer.unmatched and not await report_nothing(client, options):
                say("no instrument of this selection has a quote now; `tickmux sources` tells the health of the venues")
        return await report_unmatched(client, answer.unmatched, options)


async def _sources(options: argparse.Namespace) -> ExitCode:
    async with asking(options) as client:
        statuses = [status.message for status in await client.sources()]
    if options.json:
        _print(line({"sources": [status_record(status) for status in statuses]}))
        return ExitCode.OK
    board = _board()
    for status in statuses:
        board.status(status)
    _print(plain_text(source_table(board.source_lines(), _width(), with_rates=False)))
    return ExitCode.OK


async def _instruments(options: argparse.Namespace) -> ExitCode:
    async with asking(options) as client:
        answer = await client.instruments(options.symbols, **selection_of(options))
        if options.json:
            _print(line({"instruments": [instrument_record(instrument) for instrument in answer.instruments]}))
        else:
            cells = [_instrument_cells(instrument) for instrument in answer.instruments]
            _print(plain_text(table(INSTRUMENT_COLUMNS, cells, _width())) if cells else "")
            if not cells:
                await report_nothing(client, options)
        return await report_unmatched(client, answer.unmatched, options)


def health(options: argparse.Namespace) -> ExitCode:
    """Print the answer of grpc.health.v1, and exit with 0 only for SERVING."""
    return asyncio.run(_health(options))


async def _health(options: argparse.Namespace) -> ExitCode:
    from grpc_health.v1 import health_pb2  # noqa: PLC0415 - comes with the [server] extra

    async with asking(options) as client:
        check = client.channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            answer = await check(health_pb2.HealthCheckRequest(), timeout=HEALTH_TIMEOUT_S, metadata=client.metadata)
        except grpc.aio.AioRpcError as error:
            kind = AccessDeniedError if error.code() is grpc.StatusCode.UNAUTHENTICATED else UnavailableError
            raise kind(f"{error.code().name}: {error.details()}", code=error.code()) from None
    state = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    _print(f"{options.target} {state}")
    return ExitCode.OK if answer.status == health_pb2.HealthCheckResponse.SERVING else ExitCode.FAILED


def _board() -> QuoteBoard:
    board = QuoteBoard(time.monotonic, time.time)
    board.connected()
    return board


def _instrument_cells(instrument: Instrument) -> list[Cell]:
    step = instrument.price_increment
    return [
        Cell(instrument.symbol),
        Cell(instrument.type),
        Cell(instrument.exchange or UNKNOWN),
        Cell(instrument.source),
        Cell(instrument.venue_symbol or UNKNOWN),
        Cell(UNKNOWN if step is None else decimal_text(step)),
        Cell(instrument.state.name.lower()),
    ]


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH


def _print(text: str) -> None:
    if text:
        write_now(text + "\n")
