package io.tickmux;

import io.grpc.ManagedChannelBuilder;
import io.tickmux.v1.GetSnapshotRequest;
import io.tickmux.v1.GetSnapshotResponse;
import io.tickmux.v1.ListInstrumentsRequest;
import io.tickmux.v1.ListInstrumentsResponse;
import io.tickmux.v1.ListSourcesRequest;
import io.tickmux.v1.SubscribeResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.function.Consumer;

/**
 * A client on one connection. Any number of threads may use it, and close it.
 *
 * <p>What becomes of subscriptions is told to the {@link System.Logger} {@code io.tickmux}: a cut as a warning, further
 * tries as debug, a return as information. Its records hold no token.
 */
public final class TickmuxClient implements AutoCloseable {
    /** Half of them are fetched while the other half is read. */
    private static final int RESPONSES_AHEAD = 4;

    private final Connection connection;

    private TickmuxClient(Connection connection) {
        this.connection = connection;
    }

    /**
     * Makes a client of a server, in clear text.
     *
     * <p>Nothing is sent before the first call, so an unreachable server is that call's news.
     *
     * @param target where the server listens: {@code host:port}, or any gRPC target
     * @return a client, to be closed
     * @throws InvalidRequestException if there can be no such target
     */
    public static TickmuxClient connect(String target) {
        return builder(target).connect();
    }

    /**
     * Begins a client with options.
     *
     * @param target where the server listens: {@code host:port}, or any gRPC target
     * @return options, to be followed by {@link Builder#connect}
     */
    public static Builder builder(String target) {
        return new Builder(Objects.requireNonNull(target, "target"));
    }

    /**
     * Where the server listens.
     *
     * @return as it was given
     */
    public String target() {
        return connection.target();
    }

    /**
     * Streams events: the present state first, then every update, for ever, over reconnects.
     *
     * <p>After a cut the stream goes on where it stood, with {@link Reconnected} and what was missed. Where the server
     * cannot do that, {@link Reset} and the full state say so. What trying again cannot heal is thrown by the loop; its
     * {@link TickmuxException#resumeToken} says where the stream stood. Closing the client just ends the loop.
     *
     * @param subscription what to stream, and how
     * @return a stream, to be closed when it is left
     * @throws ClientClosedException after {@link #close}
     */
    public TickStream<Event> subscribe(Subscription subscription) {
        return stream(subscription, Event.class);
    }

    /**
     * Streams quotes alone, as {@link #subscribe} does: loss shows as {@link Quote#gapBefore}, trouble as
     * {@link Quote#isStale}.
     *
     * @param subscription what to stream, and how
     * @return a stream, to be closed when it is left
     * @throws ClientClosedException after {@link #close}
     */
    public TickStream<Quote> quotes(Subscription subscription) {
        return stream(subscription, Quote.class);
    }

    /**
     * Streams the raw messages of one call, without reconnecting; every end but the server's own OK is thrown.
     *
     * @param subscription what to stream, and how
     * @return a stream, to be closed when it is left
     * @throws ClientClosedException after {@link #close}
     */
    public TickStream<SubscribeResponse> responses(Subscription subscription) {
        Session session = connection.session(subscription);
        CallReader calls = new CallReader(connection, RESPONSES_AHEAD);
        return new TickStream<>(connection, new ResponseBatches(calls, session), SubscribeResponse.class, () -> {});
    }

    /**
     * Streams events, as {@link #subscribe} does, to subscribers that say how much they want.
     *
     * <p>Each subscriber gets a subscription of its own, and is called by a thread of its own. Nothing is taken from
     * the server beyond the response that holds what was requested, so the server sees a slow subscriber and does what
     * the {@link Delivery} says. {@code onError} comes for what trying again cannot heal, with a
     * {@link TickmuxException} unless it is the program's own doing, {@code onComplete} when the client is closed.
     *
     * @param subscription what to stream, and how
     * @return a publisher that may be subscribed to any number of times
     * @throws ClientClosedException after {@link #close}
     */
    public Flow.Publisher<Event> publisher(Subscription subscription) {
        connection.requireOpen();
        return new EventPublisher(whenClosed -> new TickStream<>(
                connection,
                new EventBatches(new CallReader(connection, 1), connection.session(subscription)),
                Event.class,
                whenClosed));
    }

    /**
     * Asks for the present state; all pages are fetched.
     *
     * @param selection of what
     * @return the latest quote of each instrument, and the health of their sources
     * @throws TickmuxException the server cannot be reached, or refuses
     */
    public Snapshot snapshot(Selection selection) {
        return snapshot(selection, 0);
    }

    /**
     * Asks for the present state in pages of a size; all of them are fetched.
     *
     * @param selection of what
     * @param pageSize how many quotes the server puts on a page; 0 as it likes
     * @return the latest quote of each instrument, and the health of their sources
     * @throws TickmuxException the server cannot be reached, or refuses
     */
    public Snapshot snapshot(Selection selection, int pageSize) {
        var request = GetSnapshotRequest.newBuilder().setSelection(selection.message()).setPageSize(pageSize);
        return Pages.snapshot(Pages.all(
                token -> connection.ask(stub -> stub.getSnapshot(request.setPageToken(token).build())),
                GetSnapshotResponse::getNextPageToken));
    }

    /**
     * Asks what can be quoted; all pages are fetched.
     *
     * @param selection of what
     * @return each instrument, quoted so far or not
     * @throws TickmuxException the server cannot be reached, or refuses
     */
    public Instruments instruments(Selection selection) {
        return instruments(selection, 0);
    }

    /**
     * Asks what can be quoted in pages of a size; all of them are fetched.
     *
     * @param selection of what
     * @param pageSize how many instruments the server puts on a page; 0 as it likes
     * @return each instrument, quoted so far or not
     * @throws TickmuxException the server cannot be reached, or refuses
     */
    public Instruments instruments(Selection selection, int pageSize) {
        var request = ListInstrumentsRequest.newBuilder().setSelection(selection.message()).setPageSize(pageSize);
        return Pages.instruments(Pages.all(
                token -> connection.ask(stub -> stub.listInstruments(request.setPageToken(token).build())),
                ListInstrumentsResponse::getNextPageToken));
    }

    /**
     * Asks for the health of every source.
     *
     * @return one for each slot of each source
     * @throws TickmuxException the server cannot be reached, or refuses
     */
    public List<SourceStatus> sources() {
        var request = ListSourcesRequest.getDefaultInstance();
        return Pages.statuses(connection.ask(stub -> stub.listSources(request)).getSourceStatusesList());
    }

    /** Ends every subscription, whose loop just stops, and closes the connection. From any thread; twice is no harm. */
    @Override
    public void close() {
        connection.close();
    }

    Connection connection() {
        return connection;
    }

    private <T extends Event> TickStream<T> stream(Subscription subscription, Class<T> wanted) {
        Session session = connection.session(subscription);
        CallReader calls = new CallReader(connection, RESPONSES_AHEAD);
        return new TickStream<>(connection, new EventBatches(calls, session), wanted, () -> {});
    }

    /** How to reach a server. One builder may make several clients. */
    public static final class Builder {
        private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);
        private static final Duration DEFAULT_BACKOFF_CAP = Duration.ofSeconds(5);

        private final String target;
        private final Access access = new Access();
        private String serverName;
        private Duration timeout = DEFAULT_TIMEOUT;
        private Duration backoffCap = DEFAULT_BACKOFF_CAP;
        private int reconnectsMax = Session.UNLIMITED;
        private Consumer<ManagedChannelBuilder<?>> customise = builder -> {};

        private Builder(String target) {
            this.target = target;
        }

        /**
         * Encrypts, and trusts the authorities that the JDK trusts.
         *
         * @return this builder
         */
        public Builder tls() {
            access.encrypt();
            return this;
        }

        /**
         * Encrypts, and trusts the server if its certificate is of one of these authorities.
         *
         * @param file their certificates, in PEM form
         * @return this builder
         */
        public Builder ca(Path file) {
            access.trust(Objects.requireNonNull(file, "file"));
            return this;
        }

        /**
         * Encrypts, and shows a certificate to a server that asks for one.
         *
         * @param certificate the certificate, in PEM form
         * @param key its private key (PKCS #8), in PEM form and not encrypted
         * @return this builder
         */
        public Builder certificate(Path certificate, Path key) {
            access.show(Objects.requireNonNull(certificate, "certificate"), Objects.requireNonNull(key, "key"));
            return this;
        }

        /**
         * Encrypts, and expects a name in the server's certificate where the target has another.
         *
         * @param name such as {@code quotes.example}
         * @return this builder
         */
        public Builder serverName(String name) {
            access.encrypt();
            serverName = Objects.requireNonNull(name, "name");
            return this;
        }

        /**
         * Sends a bearer token with every call, those of {@link RawAccess} included. In clear text it is sent to this
         * machine only.
         *
         * @param token letters, digits and signs, without spaces
         * @return this builder
         */
        public Builder token(String token) {
            access.send(Objects.requireNonNull(token, "token"));
            return this;
        }

        /**
         * Sends the token without TLS to another machine, where whoever listens on the way can read it.
         *
         * @return this builder
         */
        public Builder tokenInClearText() {
            access.allowClearText();
            return this;
        }

        /**
         * Sends a value with every call, those of {@link RawAccess} included.
         *
         * @param name its name
         * @param value its value, in printable ASCII
         * @return this builder
         */
        public Builder metadata(String name, String value) {
            access.send(Objects.requireNonNull(name, "name"), Objects.requireNonNull(value, "value"));
            return this;
        }

        /**
         * Limits each request that has one answer.
         *
         * @param limit 10 s if not given
         * @return this builder
         */
        public Builder timeout(Duration limit) {
            timeout = Objects.requireNonNull(limit, "limit");
            return this;
        }

        /**
         * The longest wait between two tries of a subscription, unless the server asks for more.
         *
         * @param limit 5 s if not given
         * @return this builder
         */
        public Builder backoffCap(Duration limit) {
            backoffCap = Objects.requireNonNull(limit, "limit");
            return this;
        }

        /**
         * How many reconnects in a row may be without success before a subscription ends with the error.
         *
         * @param reconnects it keeps trying if not given
         * @return this builder
         */
        public Builder reconnectsMax(int reconnects) {
            reconnectsMax = Math.max(0, reconnects);
            return this;
        }

        /**
         * Makes the client. Nothing is sent yet.
         *
         * @return a client, to be closed
         * @throws InvalidRequestException options do not go together, a file cannot be read, or the token would travel
         *     in clear text
         */
        public TickmuxClient connect() {
            if (!isPositive(timeout) || !isPositive(backoffCap)) {
                throw Failure.invalidOption(
                                "timeout and backoffCap must be positive, not " + timeout + " and " + backoffCap)
                        .exception();
            }
            var channel = Channels.open(target, access, serverName, customise);
            var terms = new Connection.Terms(target, timeout, backoffCap, reconnectsMax);
            return new TickmuxClient(new Connection(channel, terms));
        }

        void customise(Consumer<ManagedChannelBuilder<?>> change) {
            customise = customise.andThen(change);
        }

        private static boolean isPositive(Duration duration) {
            return !duration.isNegative() && !duration.isZero();
        }
    }
}
