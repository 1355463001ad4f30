"""Follows the pages of the lists that the server answers."""

from typing import Final, Generic, TypeVar

import grpc

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1 import quote_pb2
from tickmux_client._answers import Instruments, Snapshot
from tickmux_client._errors import TickmuxClientError
from tickmux_client._model import Instrument, Quote, SourceStatus

PAGES_MAX: Final = 1000

_Request = TypeVar("_Request", pb.GetSnapshotRequest, pb.ListInstrumentsRequest)
_Page = TypeVar("_Page", pb.GetSnapshotResponse, pb.ListInstrumentsResponse)


class Pages(Generic[_Request, _Page]):
    """Asks for page after page until the last. Works with both messages, as their page fields are the same."""

    def __init__(self, request: _Request) -> None:
        self.request: Final[_Request] = request
        """What to send next."""
        self.pages: Final[list[_Page]] = []
        """The answers so far."""
        self.is_complete = False
        """Whether the last page is here."""

    def add(self, page: _Page) -> None:
        """Take an answer, and point the request at the page after it.

        Raises:
            TickmuxClientError: the server never stops handing out pages.
        """
        self.pages.append(page)
        token = page.next_page_token
        if token and (token == self.request.page_token or len(self.pages) >= PAGES_MAX):
            raise TickmuxClientError(
                f"the server does not end its list after {len(self.pages)} pages", code=grpc.StatusCode.INTERNAL
            )
        self.request.page_token = token
        self.is_complete = not token


def snapshot(pages: list[pb.GetSnapshotResponse]) -> Snapshot:
    """Everything that the pages say."""
    first, last = pages[0], pages[-1]
    statuses = {(status.source, status.channel): status for status in first.source_statuses}

    def quote(message: quote_pb2.Quote) -> Quote:
        # The statuses are those of the first page; what a later page flags is not known to be the present.
        known = {} if quote_pb2.QUOTE_FLAG_STALE in message.flags else statuses
        return Quote(message, known, False)

    return Snapshot(
        quotes=tuple(quote(message) for page in pages for message in page.quotes),
        source_statuses=tuple(SourceStatus(status) for status in first.source_statuses),
        unmatched=tuple(first.unmatched),
        resume_token=last.resume_token,
    )


def instruments(pages: list[pb.ListInstrumentsResponse]) -> Instruments:
    """Everything that the pages say."""
    return Instruments(
        instruments=tuple(Instrument.from_message(message) for page in pages for message in page.instruments),
        unmatched=tuple(pages[0].unmatched),
    )
