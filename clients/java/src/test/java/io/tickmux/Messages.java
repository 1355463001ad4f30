package io.tickmux;

import io.tickmux.v1.Continuity;
import io.tickmux.v1.GetSnapshotResponse;
import io.tickmux.v1.Quote;
import io.tickmux.v1.SourceState;
import io.tickmux.v1.SourceStatus;
import io.tickmux.v1.SubscribeResponse;
import java.util.List;

/** Messages of the contract, as short as a test wants them. */
final class Messages {
    /** What all messages are about, unless a test changes it. */
    static final String SOURCE = "binance";

    static final String CHANNEL = "0";

    private Messages() {}

    /** Of the first epoch. */
    static Quote quote(String symbol, long revision) {
        return quote(symbol, 1, revision);
    }

    static Quote quote(String symbol, long epoch, long revision) {
        return Quote.newBuilder()
                .setSymbol(symbol)
                .setSource(SOURCE)
                .setChannel(CHANNEL)
                .setEpoch(epoch)
                .setRevision(revision)
                .build();
    }

    static SourceStatus status(SourceState state) {
        return status(state, 1);
    }

    static SourceStatus status(SourceState state, long epoch) {
        return SourceStatus.newBuilder()
                .setSource(SOURCE)
                .setChannel(CHANNEL)
                .setState(state)
                .setEpoch(epoch)
                .build();
    }

    static SourceStatus live() {
        return status(SourceState.SOURCE_STATE_LIVE);
    }

    /** Statuses that come without quotes. */
    static SubscribeResponse statuses(SourceStatus... statuses) {
        return SubscribeResponse.newBuilder().addAllSourceStatuses(List.of(statuses)).build();
    }

    /** One response that opens a phase, holds its whole state, and completes it. */
    static SubscribeResponse opening(String token, Quote... quotes) {
        return phase(Continuity.CONTINUITY_SNAPSHOT, token, quotes);
    }

    /** An opening after a loss. */
    static SubscribeResponse reset(String token, Quote... quotes) {
        return phase(Continuity.CONTINUITY_RESET, token, quotes);
    }

    /** One response that goes on, and holds all that was missed. */
    static SubscribeResponse resumed(String token, Quote... quotes) {
        return phase(Continuity.CONTINUITY_RESUMED, token, quotes);
    }

    /** What follows. */
    static SubscribeResponse live(String token, Quote... quotes) {
        return SubscribeResponse.newBuilder()
                .addAllQuotes(List.of(quotes))
                .setResumeToken(token)
                .build();
    }

    /** What follows after so many updates were passed over. */
    static SubscribeResponse conflated(long count, Quote... quotes) {
        return live("", quotes).toBuilder().setConflated(count).build();
    }

    static SubscribeResponse caughtUp() {
        return SubscribeResponse.newBuilder().setCaughtUp(true).build();
    }

    /** Announces the end of a stream. */
    static SubscribeResponse farewell(String token) {
        return SubscribeResponse.newBuilder()
                .setGoingAway(true)
                .setResumeToken(token)
                .build();
    }

    static SubscribeResponse notComplete(SubscribeResponse response) {
        return response.toBuilder().setCaughtUp(false).build();
    }

    static Snapshot snapshot(String token, Quote... quotes) {
        return Pages.snapshot(List.of(GetSnapshotResponse.newBuilder()
                .addAllQuotes(List.of(quotes))
                .addSourceStatuses(live())
                .setResumeToken(token)
                .build()));
    }

    private static SubscribeResponse phase(Continuity continuity, String token, Quote... quotes) {
        return SubscribeResponse.newBuilder()
                .setContinuity(continuity)
                .addSourceStatuses(live())
                .addAllQuotes(List.of(quotes))
                .setCaughtUp(true)
                .setResumeToken(token)
                .build();
    }
}
