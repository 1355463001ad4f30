package io.tickmux;

import static io.tickmux.Following.client;
import static io.tickmux.Following.options;
import static io.tickmux.Messages.quote;
import static io.tickmux.ScriptedServer.error;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.BadRequest;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.tickmux.v1.GetSnapshotResponse;
import io.tickmux.v1.ListInstrumentsResponse;
import io.tickmux.v1.ListSourcesResponse;
import io.tickmux.v1.SourceState;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Requests that have one answer. */
class ListsTest {
    @Test
    void aSnapshotIsAllItsPages() throws IOException {
        try (var server = new ScriptedServer();
                var client = client(server)) {
            List<String> tokens = new ArrayList<>();
            server.snapshot = request -> {
                tokens.add(request.getPageToken() + request.getPageSize() + request.getSelection().getSymbols(0));
                var page = GetSnapshotResponse.newBuilder();
                return switch (request.getPageToken()) {
                    case "" -> page.addQuotes(quote("A", 1))
                            .addSourceStatuses(Messages.live())
                            .addUnmatched("NOPE")
                            .setNextPageToken("2-")
                            .build();
                    case "2-" -> page.addQuotes(quote("B", 1)).setNextPageToken("3-").build();
                    default -> page.addQuotes(quote("C", 1)).setResumeToken("t").build();
                };
            };
            Snapshot snapshot = client.snapshot(Selection.of("*"), 1);
            assertEquals(List.of("1*", "2-1*", "3-1*"), tokens);
            assertEquals(
                    List.of("A", "B", "C"),
                    snapshot.quotes().stream().map(Quote::symbol).toList());
            assertEquals(List.of("NOPE"), snapshot.unmatched());
            assertEquals("t", snapshot.resumeToken());
            assertEquals(1, snapshot.sourceStatuses().size());
            assertFalse(snapshot.quotes().get(2).isStale());
            assertEquals("Snapshot of 3 quotes and 1 source statuses", snapshot.toString());
        }
    }

    @Test
    void anErrorCarriesItsFieldsAndIsOneLine() throws IOException {
        var violation = BadRequest.FieldViolation.newBuilder()
                .setField("selection.sources[0]")
                .setDescription("no such source");
        var bad = error(
                Status.INVALID_ARGUMENT,
                "unknown source `binanec`;\n did you mean `binance`?",
                StreamTest.info("UNKNOWN_SOURCE"),
                RetryInfo.newBuilder()
                        .setRetryDelay(ContractTypes.duration(Duration.ofSeconds(2)))
                        .build(),
                BadRequest.newBuilder().addFieldViolations(violation).build());
        try (var server = new ScriptedServer();
                var client = client(server)) {
            server.snapshot = request -> {
                throw bad;
            };
            var told = assertThrows(
                    InvalidRequestException.class, () -> client.snapshot(Selection.all().sources("binanec")));
            assertEquals(
                    "INVALID_ARGUMENT from " + client.target() + ": unknown source `binanec`; did you mean `binance`?: "
                            + "selection.sources[0]: no such source",
                    told.getMessage());
            assertEquals("INVALID_ARGUMENT", told.codeName());
            assertEquals("UNKNOWN_SOURCE", told.reason());
            assertEquals(Optional.of(Duration.ofSeconds(2)), told.retryAfter());
            assertEquals(List.of(new Violation("selection.sources[0]", "no such source")), told.violations());
            assertEquals("", told.resumeToken());
        }
    }

    @Test
    void aRequestIsGivenUpAfterTheTimeout() throws IOException {
        try (var server = new ScriptedServer();
                var client = options(server).timeout(Duration.ofMillis(50)).connect()) {
            server.snapshot = request -> {
                new CountDownLatch(1).await();
                return GetSnapshotResponse.getDefaultInstance();
            };
            var late = assertThrows(UnavailableException.class, () -> client.snapshot(Selection.all()));
            assertEquals("DEADLINE_EXCEEDED", late.codeName());
            assertFalse(late.getMessage().contains("\n"), late.getMessage());
        }
    }

    @Test
    void noServerIsOneClearLine() throws IOException {
        String target = StreamTest.unusedTarget();
        try (var client = TickmuxClient.connect(target)) {
            var none = assertThrows(UnavailableException.class, client::sources);
            assertEquals("UNAVAILABLE from " + target + ": Connection refused", none.getMessage());
        }
    }

    @Test
    void aListThatDoesNotEndIsAnError() throws IOException {
        try (var server = new ScriptedServer();
                var client = client(server)) {
            server.instruments = request ->
                    ListInstrumentsResponse.newBuilder().setNextPageToken("again").build();
            var endless = assertThrows(UnavailableException.class, () -> client.instruments(Selection.all()));
            assertEquals("the server does not end its list after 2 pages", endless.getMessage());
        }
    }

    @Test
    void instrumentsOfAllPages() throws IOException {
        try (var server = new ScriptedServer();
                var client = client(server)) {
            server.instruments = request -> request.getPageToken().isEmpty()
                    ? ListInstrumentsResponse.newBuilder()
                            .addInstruments(io.tickmux.v1.Instrument.newBuilder()
                                    .setSource("binance")
                                    .setSymbol("BTCUSDT")
                                    .setType("crypto")
                                    .setExchange("Binance")
                                    .setVenueSymbol("btcusdt")
                                    .setBase("BTC")
                                    .setQuote("USDT")
                                    .setState(io.tickmux.v1.InstrumentState.INSTRUMENT_STATE_TRADING)
                                    .setPriceIncrement(0.01))
                            .addUnmatched("NOPE")
                            .setNextPageToken("2")
                            .build()
                    : ListInstrumentsResponse.newBuilder()
                            .addInstruments(io.tickmux.v1.Instrument.newBuilder()
                                    .setSymbol("ETHUSDT")
                                    .setStateValue(99))
                            .build();
            Instruments listed = client.instruments(Selection.of("BTC*", "ETH*", "NOPE"));
            Instrument first = listed.instruments().get(0);
            Instrument second = listed.instruments().get(1);
            assertEquals(
                    List.of("binance", "BTCUSDT", "crypto", "Binance", "btcusdt", "BTC", "USDT"),
                    List.of(
                            first.source(),
                            first.symbol(),
                            first.type(),
                            first.exchange(),
                            first.venueSymbol(),
                            first.base(),
                            first.quote()));
            assertEquals(InstrumentState.TRADING, first.state());
            assertEquals(OptionalDouble.of(0.01), first.priceIncrement());
            assertEquals(OptionalDouble.empty(), first.sizeIncrement());
            assertEquals("binance BTCUSDT (btcusdt) TRADING", first.toString());
            assertEquals("ETHUSDT", second.symbol());
            assertEquals(InstrumentState.UNSPECIFIED, second.state(), "not known to trade");
            assertEquals(List.of("NOPE"), listed.unmatched());
        }
    }

    @Test
    void theHealthOfTheSources() throws IOException {
        try (var server = new ScriptedServer();
                var client = client(server)) {
            server.sources = ListSourcesResponse.newBuilder()
                    .addSourceStatuses(io.tickmux.v1.SourceStatus.newBuilder()
                            .setSource("kraken")
                            .setChannel("1")
                            .setState(SourceState.SOURCE_STATE_THROTTLED)
                            .setEpoch(7)
                            .setSince(com.google.protobuf.Timestamp.newBuilder().setSeconds(5).setNanos(6))
                            .setLastError("budget spent")
                            .setLag(ContractTypes.duration(Duration.ofMillis(-1))))
                    .build();
            SourceStatus status = client.sources().get(0);
            assertEquals("kraken/1 THROTTLED: budget spent", status.toString());
            assertTrue(status.isHealthy());
            assertEquals(7, status.epoch());
            assertEquals(Optional.of(Instant.ofEpochSecond(5, 6)), status.since());
            assertEquals(Optional.empty(), status.lastMessageAt());
            assertEquals(Optional.of(Duration.ofMillis(-1)), status.lag());
        }
    }
}
