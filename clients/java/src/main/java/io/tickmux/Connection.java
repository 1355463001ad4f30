package io.tickmux;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.tickmux.v1.MarketDataServiceGrpc;
import io.tickmux.v1.MarketDataServiceGrpc.MarketDataServiceBlockingStub;
import io.tickmux.v1.SubscribeRequest;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** The gRPC channel of a client, with what is open on it. Any number of threads may use it. */
final class Connection {
    private static final System.Logger LOGGER = System.getLogger("io.tickmux");

    /**
     * What a client goes by once it is connected.
     *
     * @param timeout the limit of a request that has one answer
     */
    record Terms(String target, Duration timeout, Duration backoffCap, int reconnectsMax) {}

    private final ManagedChannel channel;
    private final Terms terms;
    private final Set<TickStream<?>> open = ConcurrentHashMap.newKeySet();
    private volatile boolean isClosing;

    Connection(ManagedChannel channel, Terms terms) {
        this.channel = channel;
        this.terms = terms;
    }

    String target() {
        return terms.target;
    }

    ManagedChannel channel() {
        return channel;
    }

    /** Begins a subscription, without sending anything. */
    Session session(Subscription subscription) {
        requireOpen();
        Backoff backoff = new Backoff(
                Backoff.FIRST, terms.backoffCap, () -> ThreadLocalRandom.current().nextDouble());
        return new Session(
                subscription.request(),
                subscription.after(),
                new Session.Terms(terms.target, terms.reconnectsMax, LOGGER, backoff, System::nanoTime));
    }

    SubscribeCall subscribe(SubscribeRequest request, int readAhead) {
        connectAnew();
        return SubscribeCall.start(channel, request, readAhead);
    }

    /**
     * Makes a call that has one answer, within the timeout.
     *
     * @throws TickmuxException the server cannot be reached, or refuses; the client is closed, or the thread
     *     interrupted
     */
    <A> A ask(Function<MarketDataServiceBlockingStub, A> call) {
        requireOpen();
        connectAnew();
        try {
            return call.apply(MarketDataServiceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(ContractTypes.nanos(terms.timeout), TimeUnit.NANOSECONDS));
        } catch (StatusRuntimeException failure) {
            requireOpen();
            // gRPC gives an interrupted call up, and sets the flag again.
            throw Thread.currentThread().isInterrupted()
                    ? Failure.interrupted(terms.target).exception()
                    : RpcFailures.of(failure.getStatus(), failure.getTrailers(), terms.target)
                            .exception();
        }
    }

    /** A stream is open until it leaves, or the client is closed; if that has begun, it is closed at once. */
    void enter(TickStream<?> stream) {
        open.add(stream);
        if (isClosing) {
            stream.close();
        }
    }

    void leave(TickStream<?> stream) {
        open.remove(stream);
    }

    /** How many streams are open, for the tests. */
    int openStreams() {
        return open.size();
    }

    void close() {
        // Before the calls end, so that they know why.
        isClosing = true;
        open.forEach(TickStream::close);
        channel.shutdownNow();
    }

    boolean isClosing() {
        return isClosing;
    }

    void requireOpen() {
        if (isClosing) {
            throw Failure.closed(terms.target).exception();
        }
    }

    /**
     * The channel connects at a pace of its own, up to two minutes apart, and a call in between fails unheard, with the
     * problem of long ago. Without a pace it is our backoff that says when a stream is back, and spreads its clients.
     */
    private void connectAnew() {
        if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
            channel.enterIdle();
        }
    }
}
