package io.tickmux;

import io.tickmux.v1.SubscribeRequest;
import java.time.Duration;
import java.util.Objects;
import java.util.function.UnaryOperator;

/**
 * What to stream, and how. Immutable: each method gives a new subscription, so that one may be kept and varied.
 *
 * <p>{@code Subscription.of("BTC*").sources("binance").delivery(Delivery.LATEST)}
 */
public final class Subscription {
    private static final Duration DEFAULT_HEARTBEAT_INTERVAL = Duration.ofSeconds(5);

    private final Selection selection;
    private final Delivery delivery;
    private final Duration heartbeatInterval;
    private final Duration minInterval;
    private final Snapshot after;
    private final String resumeToken;

    private Subscription(Draft draft) {
        selection = draft.selection;
        delivery = draft.delivery;
        heartbeatInterval = draft.heartbeatInterval;
        minInterval = draft.minInterval;
        after = draft.after;
        resumeToken = draft.resumeToken;
        if (after != null && !resumeToken.isEmpty()) {
            throw Failure.invalidOption("give after or resumeToken, not both: a snapshot has its own token")
                    .exception();
        }
    }

    /**
     * Streams every instrument of every source but {@code consolidated}.
     *
     * @return what a subscription begins with
     */
    public static Subscription all() {
        return of(Selection.all());
    }

    /**
     * Streams canonical names, or patterns such as {@code BTC*}.
     *
     * @param symbols none means all
     * @return these, at any source
     */
    public static Subscription of(String... symbols) {
        return of(Selection.of(symbols));
    }

    /**
     * Streams a selection.
     *
     * @param selection what to stream
     * @return with every other choice as the client makes it
     */
    public static Subscription of(Selection selection) {
        Draft draft = new Draft();
        draft.selection = Objects.requireNonNull(selection, "selection");
        return new Subscription(draft);
    }

    /**
     * Adds names of the server's sources.
     *
     * @param names such as {@code binance}
     * @return a new subscription
     */
    public Subscription sources(String... names) {
        return narrowed(selected -> selected.sources(names));
    }

    /**
     * Adds listing exchanges.
     *
     * @param names such as {@code NASDAQ}
     * @return a new subscription
     */
    public Subscription exchanges(String... names) {
        return narrowed(selected -> selected.exchanges(names));
    }

    /**
     * Adds asset classes.
     *
     * @param names {@code crypto}, {@code stock} or {@code fx}
     * @return a new subscription
     */
    public Subscription types(String... names) {
        return narrowed(selected -> selected.types(names));
    }

    /**
     * What to do when updates arrive faster than they are read.
     *
     * @param chosen {@link Delivery#ALL} if not given
     * @return a new subscription
     */
    public Subscription delivery(Delivery chosen) {
        Draft draft = new Draft(this);
        draft.delivery = Objects.requireNonNull(chosen, "delivery");
        return new Subscription(draft);
    }

    /**
     * The pace of the server's heartbeats; after three missed ones the stream is dead.
     *
     * @param interval 5 s if not given, at least 1 s
     * @return a new subscription
     * @throws InvalidRequestException if it is not positive, or longer than 100 years
     */
    public Subscription heartbeatInterval(Duration interval) {
        Draft draft = new Draft(this);
        draft.heartbeatInterval = positive("heartbeatInterval", interval);
        return new Subscription(draft);
    }

    /**
     * The shortest time between two responses with quotes.
     *
     * @param interval as fast as they come if not given
     * @return a new subscription
     * @throws InvalidRequestException if it is not positive, or longer than 100 years
     */
    public Subscription minInterval(Duration interval) {
        Draft draft = new Draft(this);
        draft.minInterval = positive("minInterval", interval);
        return new Subscription(draft);
    }

    /**
     * Goes on after a snapshot of the same selection: what it holds is not repeated, and nothing since is missed.
     *
     * @param snapshot what was received
     * @return a new subscription
     * @throws InvalidRequestException if there is a {@link #resumeToken} already
     */
    public Subscription after(Snapshot snapshot) {
        Draft draft = new Draft(this);
        draft.after = Objects.requireNonNull(snapshot, "snapshot");
        return new Subscription(draft);
    }

    /**
     * Where to go on, from {@link TickStream#resumeToken}, {@link Snapshot#resumeToken} or
     * {@link TickmuxException#resumeToken} of the same selection.
     *
     * @param token empty: from the present state
     * @return a new subscription
     * @throws InvalidRequestException if it goes on {@link #after} a snapshot already
     */
    public Subscription resumeToken(String token) {
        Draft draft = new Draft(this);
        draft.resumeToken = Objects.requireNonNull(token, "token");
        return new Subscription(draft);
    }

    /** The snapshot to go on after, or null. */
    Snapshot after() {
        return after;
    }

    SubscribeRequest request() {
        SubscribeRequest.Builder request = SubscribeRequest.newBuilder()
                .setSelection(selection.message())
                .setDelivery(delivery.inContract())
                .setHeartbeatInterval(ContractTypes.duration(heartbeatInterval));
        if (minInterval != null) {
            request.setMinInterval(ContractTypes.duration(minInterval));
        }
        String token = after == null ? resumeToken : after.resumeToken();
        if (!token.isEmpty()) {
            request.setResumeToken(token);
        }
        return request.build();
    }

    /** One line: what is streamed, and how. */
    @Override
    public String toString() {
        return selection + " " + delivery;
    }

    private Subscription narrowed(UnaryOperator<Selection> change) {
        Draft draft = new Draft(this);
        draft.selection = change.apply(selection);
        return new Subscription(draft);
    }

    private static Duration positive(String name, Duration interval) {
        if (interval.isNegative() || interval.isZero()) {
            throw Failure.invalidOption(name + " must be positive, not " + interval).exception();
        }
        if (interval.compareTo(ContractTypes.FOREVER) > 0) {
            String most = ContractTypes.FOREVER.toDays() + " days";
            throw Failure.invalidOption(name + " must be at most " + most + ", not " + interval).exception();
        }
        return interval;
    }

    /** The choices of a subscription that is being made. */
    private static final class Draft {
        private Selection selection;
        private Delivery delivery = Delivery.ALL;
        private Duration heartbeatInterval = DEFAULT_HEARTBEAT_INTERVAL;
        private Duration minInterval;
        private Snapshot after;
        private String resumeToken = "";

        Draft() {}

        Draft(Subscription given) {
            selection = given.selection;
            delivery = given.delivery;
            heartbeatInterval = given.heartbeatInterval;
            minInterval = given.minInterval;
            after = given.after;
            resumeToken = given.resumeToken;
        }
    }
}
