package io.tickmux;

import io.tickmux.v1.Continuity;
import io.tickmux.v1.SubscribeRequest;
import io.tickmux.v1.SubscribeResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * The life of a subscription over its reconnects: it decides everything but when bytes move. No I/O.
 *
 * <p>{@link #open} gives the request of the next call, {@link #receive} turns its responses into events, and once the
 * call has ended {@link #lost} says what to yield and {@link #pause} how long to wait.
 */
final class Session {
    static final int MISSED_HEARTBEATS = 3;

    /** A stream that lived this long has proved stable, and the backoff begins anew. */
    static final Duration STABLE_AFTER = Duration.ofSeconds(10);

    /** How long a server that has said goodbye may take to end the call, and so to say when to come back. */
    static final Duration FAREWELL_MAX = Duration.ofSeconds(3);

    /** The value of reconnectsMax for trying for ever. */
    static final int UNLIMITED = -1;

    private static final int OTHER_EVENTS = 2;

    /**
     * What a session goes by, apart from its request.
     *
     * @param nanoTime a clock that never goes back, in nanoseconds
     */
    record Terms(String target, int reconnectsMax, System.Logger logger, Backoff backoff, LongSupplier nanoTime) {}

    private final Terms terms;
    private final SubscribeRequest request;
    private final Sequencer sequencer;
    private final Duration silenceMax;
    private String token;

    /** Unlike the token it outlives its chain: who comes back with it is told of the loss, who comes without is not. */
    private String reached;

    private String sentToken = "";
    private boolean opened;
    private boolean served;

    /** The tries since the stream was last up. */
    private int reconnects;

    private boolean isCut;
    private long cutAt;
    private boolean isUp;
    private long upAt;
    private boolean isLeaving;
    private Duration pause = Duration.ZERO;

    /**
     * Begins.
     *
     * @param after the snapshot that it goes on after, or null
     */
    Session(SubscribeRequest request, Snapshot after, Terms terms) {
        this.terms = terms;
        this.request = request;
        token = request.getResumeToken();
        reached = token;
        sequencer = new Sequencer(
                request.getDelivery() != io.tickmux.v1.Delivery.DELIVERY_LATEST,
                !token.isEmpty() || after != null,
                after);
        silenceMax = ContractTypes.duration(request.getHeartbeatInterval()).multipliedBy(MISSED_HEARTBEATS);
    }

    /** Starts a call: the request to send. */
    SubscribeRequest open() {
        if (opened) {
            reconnects++;
        }
        opened = true;
        isUp = false;
        isLeaving = false;
        sentToken = token;
        SubscribeRequest.Builder next = request.toBuilder().clearStart();
        if (!token.isEmpty()) {
            next.setResumeToken(token);
        }
        return next.build();
    }

    /** How long the next read of the call may take. */
    Duration readMax() {
        return isLeaving && FAREWELL_MAX.compareTo(silenceMax) < 0 ? FAREWELL_MAX : silenceMax;
    }

    /** The server has said that the latest response was the last one of this call. */
    boolean isLeaving() {
        return isLeaving;
    }

    /** Where another subscription can go on after all that was received; empty if nowhere. */
    String reached() {
        return reached;
    }

    /** How long to wait before the next {@link #open}. */
    Duration pause() {
        return pause;
    }

    /** Turns one response into events, of which {@link #rest} has the others. */
    List<Event> receive(SubscribeResponse response) {
        List<Event> events = new ArrayList<>(response.getQuotesCount() + OTHER_EVENTS);
        boolean opens = response.getContinuity() != Continuity.CONTINUITY_UNSPECIFIED;
        if (!isUp) {
            up(response, events);
            opens = true;
        }
        if (opens && response.getContinuity() != Continuity.CONTINUITY_RESUMED) {
            // It stands for a chain that has ended.
            token = "";
        }
        if (!response.getResumeToken().isEmpty()) {
            token = response.getResumeToken();
            reached = token;
        }
        sequencer.receive(response, events);
        isLeaving = response.getGoingAway();
        if (isLeaving && !hasRest()) {
            events.add(new GoingAway());
        }
        return events;
    }

    /** Something is left of the latest response for when its events are handed out. */
    boolean hasRest() {
        return sequencer.isSettling();
    }

    /** What is left of it: that it has caught up. */
    List<Event> rest() {
        Event caughtUp = sequencer.settle();
        return isLeaving ? List.of(caughtUp, new GoingAway()) : List.of(caughtUp);
    }

    /**
     * The call has ended with an error, or was silent for too long: what to yield before the pause.
     *
     * @throws TickmuxException that error itself, if trying again cannot help or the permitted tries are spent
     */
    List<Event> lost(Failure failure) {
        cut();
        if (refusesToken(failure)) {
            // Begin anew; the sequencer will say Reset.
            token = "";
            reached = "";
            pause = Duration.ZERO;
        } else if (isFinal(failure)) {
            boolean needsToken = served && failure.resumeToken().isEmpty();
            throw (needsToken ? failure.withResumeToken(reached) : failure).exception();
        } else {
            // Even a friendly farewell reaches all clients at once: the draw keeps them from coming back at once.
            pause = terms.backoff.next(failure.retryAfter());
        }
        if (isLeaving) {
            String text = "%s has ended the stream as announced; connecting anew in %.1f s";
            log(System.Logger.Level.INFO, text, terms.target, seconds(pause));
            return List.of();
        }
        System.Logger.Level level = reconnects == 0 ? System.Logger.Level.WARNING : System.Logger.Level.DEBUG;
        log(level, "%s; trying again in %.1f s", failure.message(), seconds(pause));
        return List.of(new Disconnected(failure.message(), failure.reason(), pause, reconnects));
    }

    /** The subscription is over: nothing will be known of its sources any more. */
    void end() {
        sequencer.lost();
    }

    /** The error of a call that had no response for so long as {@link #readMax} says. */
    Failure silence() {
        String message = String.format(
                Locale.ROOT,
                "%s sent nothing for %.1f s: %d heartbeats were missed",
                terms.target,
                seconds(silenceMax),
                MISSED_HEARTBEATS);
        return Failure.of(Failure.Kind.UNAVAILABLE, "DEADLINE_EXCEEDED", Failure.HEARTBEATS_MISSED, message);
    }

    /** The error of a call that the server ended without one. */
    Failure ended() {
        return Failure.of(Failure.Kind.UNAVAILABLE, "OK", Failure.STREAM_ENDED, terms.target + " ended the stream");
    }

    /** Whether it may be the token alone: the server does not resume, or another version of it wrote the token. */
    private boolean refusesToken(Failure failure) {
        boolean isCallers = !served && sentToken.equals(request.getResumeToken());
        boolean refuses = failure.kind() == Failure.Kind.UNIMPLEMENTED
                || (failure.kind() == Failure.Kind.INVALID_REQUEST && !isCallers);
        // One call that a token was sent with: what refuses the next one, without, is the request.
        return refuses && !sentToken.isEmpty();
    }

    private boolean isFinal(Failure failure) {
        boolean isPermanent = failure.kind() != Failure.Kind.UNAVAILABLE
                || failure.reason().equals(Failure.TOO_FAR_BEHIND);
        return isPermanent || (terms.reconnectsMax != UNLIMITED && reconnects >= terms.reconnectsMax);
    }

    private void up(SubscribeResponse response, List<Event> events) {
        isUp = true;
        upAt = terms.nanoTime.getAsLong();
        if (isCut) {
            Duration outage = Duration.ofNanos(upAt - cutAt);
            boolean resumed = response.getContinuity() == Continuity.CONTINUITY_RESUMED;
            log(System.Logger.Level.INFO, "%s is back after %.1f s", terms.target, seconds(outage));
            events.add(new Reconnected(reconnects, outage, resumed));
        }
        reconnects = 0;
        isCut = false;
        served = true;
    }

    private void cut() {
        long now = terms.nanoTime.getAsLong();
        if (isUp && now - upAt >= STABLE_AFTER.toNanos()) {
            terms.backoff.reset();
        }
        if (!isCut) {
            isCut = true;
            cutAt = now;
        }
        isUp = false;
        sequencer.lost();
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }

    /** Texts of a server may hold braces, so that they are no patterns of the logger. */
    private void log(System.Logger.Level level, String format, Object... arguments) {
        if (terms.logger.isLoggable(level)) {
            terms.logger.log(level, String.format(Locale.ROOT, format, arguments));
        }
    }
}
