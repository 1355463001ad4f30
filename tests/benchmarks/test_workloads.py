import json

from benchmarks.kraken_books import ticker_frames
from benchmarks.workloads import all_workloads, generated_binance_books


def book(kind: str, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> str:
    def levels(side: list[tuple[str, str]]) -> str:
        return ",".join(f'{{"price":{price},"qty":{size}}}' for price, size in side)

    return (
        f'1.5\t{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","bids":[{levels(bids)}],'
        f'"asks":[{levels(asks)}],"checksum":1,"timestamp":"2021-04-17T16:48:53.365913Z"}}]}}'
    )


def test_tickers_follow_the_top_of_a_recorded_book() -> None:
    frames = list(
        ticker_frames(
            [
                book("snapshot", [("9.5", "1.0"), ("9.4", "2.0")], [("9.6", "3.00")]),
                book("update", [("9.4", "5.0")], []),  # below the top
                book("update", [("9.5", "0.0")], []),  # the best bid is gone
                book("update", [], [("9.55", "7.0")]),
                book("update", [], [("9.55", "7.0")]),  # says nothing new
            ]
        )
    )

    assert [json.loads(frame)["type"] for frame in frames] == ["snapshot", "update", "update"]
    tops = [json.loads(frame, parse_float=str)["data"][0] for frame in frames]
    assert [(top["bid"], top["bid_qty"], top["ask"], top["ask_qty"]) for top in tops] == [
        ("9.5", "1.0", "9.6", "3.00"),
        ("9.4", "5.0", "9.6", "3.00"),
        ("9.4", "5.0", "9.55", "7.0"),
    ]


def test_an_empty_side_has_a_price_of_zero_as_the_venue_writes_it() -> None:
    (frame,) = ticker_frames([book("snapshot", [], [("9.6", "3.0")])])

    assert json.loads(frame)["data"][0]["bid"] == 0


def test_workloads_are_the_same_each_time_and_name_listed_symbols_only() -> None:
    assert generated_binance_books() == generated_binance_books()
    for workload in all_workloads():
        listed = {listing.venue_symbol for listing in workload.listings}
        for text in workload.frames:
            data = json.loads(text)["data"]
            assert (data[0]["symbol"] if isinstance(data, list) else data["s"]) in listed
