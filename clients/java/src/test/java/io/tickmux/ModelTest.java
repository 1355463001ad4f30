package io.tickmux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Timestamp;
import io.tickmux.v1.QuoteFlag;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What is known of quotes and statuses, and what is not. */
class ModelTest {
    @Test
    void aQuoteTellsWhatIsKnownAndWhatIsNot() {
        Instant received = Instant.parse("2026-01-02T03:04:05.000006Z");
        Quote told = new Quote(
                io.tickmux.v1.Quote.newBuilder()
                        .setSource("binance")
                        .setSymbol("BTCUSDT")
                        .setBidPrice(0.1)
                        .setAskPrice(0)
                        .setReceivedAt(Timestamp.newBuilder()
                                .setSeconds(received.getEpochSecond())
                                .setNanos(received.getNano()))
                        .setBidAskAgeMs(0)
                        .addFlags(QuoteFlag.QUOTE_FLAG_HALTED)
                        .build(),
                new Health(),
                false);
        assertEquals("binance BTCUSDT bid=0.1 ask=0 received=2026-01-02T03:04:05.000006Z stale", told.toString());
        assertEquals(OptionalDouble.of(0.1), told.bidPrice());
        assertEquals(OptionalDouble.of(0), told.askPrice());
        assertEquals(OptionalDouble.empty(), told.lastPrice());
        assertEquals(OptionalDouble.empty(), told.volume());
        assertEquals(Optional.of(Duration.ZERO), told.bidAskAge());
        assertEquals(Optional.empty(), told.lastAge());
        assertEquals(Optional.empty(), told.timestamp());
        assertEquals(Optional.of(received), told.receivedAt());
        assertEquals(Set.of(io.tickmux.QuoteFlag.HALTED), told.flags());
    }

    @Test
    void aTimeThatThereIsNotIsTheFarthest() {
        var never = Timestamp.newBuilder().setSeconds(Long.MAX_VALUE).setNanos(Integer.MAX_VALUE);
        var message = io.tickmux.v1.Quote.newBuilder()
                .setSource("s")
                .setSymbol("A")
                .setReceivedAt(never)
                .setTimestamp(Timestamp.newBuilder().setSeconds(Long.MIN_VALUE).setNanos(Integer.MIN_VALUE));
        Quote quote = new Quote(message.build(), new Health(), false);
        assertEquals(Optional.of(Instant.MIN), quote.timestamp());
        assertEquals("s A received=" + Instant.MAX + " stale", quote.toString());
    }

    @Test
    void everyFieldOfAQuoteIsReachable() {
        var message = io.tickmux.v1.Quote.newBuilder()
                .setSymbol("BTCUSDT")
                .setType("crypto")
                .setExchange("Binance")
                .setLastPrice(1)
                .setVolume(2)
                .setBidPrice(3)
                .setAskPrice(4)
                .setTimestamp(Timestamp.newBuilder().setSeconds(-1).setNanos(5))
                .setBidSize(6)
                .setAskSize(7)
                .setSource("consolidated")
                .setEpoch(8)
                .setRevision(9)
                .setReceivedAt(Timestamp.newBuilder().setNanos(10))
                .addFlags(QuoteFlag.QUOTE_FLAG_DELAYED)
                .setChannel("3")
                .setBidAskAgeMs(11)
                .setLastAgeMs(12)
                .setBidExchange("Kraken")
                .setAskExchange("Coinbase")
                .setLastExchange("OKX")
                .build();
        assertEquals(
                io.tickmux.v1.Quote.getDescriptor().getFields().size(),
                message.getAllFields().size());
        Quote quote = new Quote(message, new Health(), true);
        assertEquals(
                List.of("BTCUSDT", "crypto", "Binance", "consolidated", "3", "Kraken", "Coinbase", "OKX"),
                List.of(
                        quote.symbol(),
                        quote.type(),
                        quote.exchange(),
                        quote.source(),
                        quote.channel(),
                        quote.bidExchange(),
                        quote.askExchange(),
                        quote.lastExchange()));
        assertEquals(
                List.of(1.0, 2.0, 3.0, 4.0, 6.0, 7.0),
                Stream.of(
                                quote.lastPrice(),
                                quote.volume(),
                                quote.bidPrice(),
                                quote.askPrice(),
                                quote.bidSize(),
                                quote.askSize())
                        .map(OptionalDouble::getAsDouble)
                        .toList());
        assertEquals(Instant.ofEpochSecond(-1, 5), quote.timestamp().orElseThrow());
        assertEquals(Instant.ofEpochSecond(0, 10), quote.receivedAt().orElseThrow());
        assertEquals(8, quote.epoch());
        assertEquals(9, quote.revision());
        assertEquals(Set.of(io.tickmux.QuoteFlag.DELAYED), quote.flags());
        assertEquals(Duration.ofMillis(11), quote.bidAskAge().orElseThrow());
        assertEquals(Duration.ofMillis(12), quote.lastAge().orElseThrow());
        assertTrue(quote.gapBefore());
        assertEquals(message, quote.message());
    }

    @Test
    void pricesAreShownAsDecimals() {
        var message = io.tickmux.v1.Quote.newBuilder()
                .setSource("s")
                .setSymbol("S")
                .setBidPrice(1e-7)
                .setAskPrice(12_345_678)
                .setLastPrice(Double.NaN);
        assertEquals(
                "s S bid=0.00000010 ask=12345678 last=NaN stale",
                new Quote(message.build(), new Health(), false).toString());
    }

    @Test
    void whatANewerServerSaysIsLeftToTheMessage() {
        var message = io.tickmux.v1.Quote.newBuilder().addFlagsValue(99).addFlagsValue(3);
        Quote quote = new Quote(message.build(), new Health(), false);
        assertEquals(Set.of(io.tickmux.QuoteFlag.HALTED), quote.flags());
        assertEquals(List.of(99, 3), quote.message().getFlagsValueList());
        SourceStatus status =
                new SourceStatus(io.tickmux.v1.SourceStatus.newBuilder().setStateValue(99).build());
        assertEquals(SourceState.UNKNOWN, status.state());
        assertFalse(status.isHealthy());
    }

    @Test
    void enumsMirrorTheContract() {
        mirrors(io.tickmux.v1.SourceState.getDescriptor(), "SOURCE_STATE_", SourceState.values());
        mirrors(io.tickmux.v1.InstrumentState.getDescriptor(), "INSTRUMENT_STATE_", InstrumentState.values());
        mirrors(QuoteFlag.getDescriptor(), "QUOTE_FLAG_", io.tickmux.QuoteFlag.values());
        mirrors(io.tickmux.v1.Delivery.getDescriptor(), "DELIVERY_", Delivery.values());
        for (var state : io.tickmux.v1.SourceState.values()) {
            if (state != io.tickmux.v1.SourceState.UNRECOGNIZED) {
                assertEquals(state.name(), "SOURCE_STATE_" + SourceState.of(state));
            }
        }
        for (var state : io.tickmux.v1.InstrumentState.values()) {
            if (state != io.tickmux.v1.InstrumentState.UNRECOGNIZED) {
                assertEquals(state.name(), "INSTRUMENT_STATE_" + InstrumentState.of(state));
            }
        }
    }

    private static void mirrors(EnumDescriptor contract, String prefix, Enum<?>... values) {
        List<String> names = Arrays.stream(values).map(value -> prefix + value.name()).toList();
        List<String> told = contract.getValues().stream()
                .map(value -> value.getName())
                .filter(name -> names.contains(name) || !name.endsWith("_UNSPECIFIED"))
                .toList();
        assertEquals(told, names);
    }
}
