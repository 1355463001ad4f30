package io.tickmux;

import io.tickmux.v1.SubscribeResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Flow;

/** A client on one connection. Any number of threads may use it. */
public final class TickmuxClient implements AutoCloseable {
    private TickmuxClient() {}

    /**
     * Makes a client.
     *
     * @param target host:port
     * @return a client
     */
    public static TickmuxClient connect(String target) {
        return builder(target).connect();
    }

    /**
     * Makes a client with options.
     *
     * @param target host:port
     * @return options
     */
    public static Builder builder(String target) {
        return new Builder();
    }

    /**
     * Where the server listens.
     *
     * @return host:port
     */
    public String target() {
        throw new UnsupportedOperationException();
    }

    /**
     * Events.
     *
     * @param subscription what
     * @return a stream
     */
    public TickStream<Event> subscribe(Subscription subscription) {
        throw new UnsupportedOperationException();
    }

    /**
     * Quotes alone.
     *
     * @param subscription what
     * @return a stream
     */
    public TickStream<Quote> quotes(Subscription subscription) {
        throw new UnsupportedOperationException();
    }

    /**
     * Raw messages of one call.
     *
     * @param subscription what
     * @return a stream
     */
    public TickStream<SubscribeResponse> responses(Subscription subscription) {
        throw new UnsupportedOperationException();
    }

    /**
     * Events on demand.
     *
     * @param subscription what
     * @return a publisher
     */
    public Flow.Publisher<Event> publisher(Subscription subscription) {
        throw new UnsupportedOperationException();
    }

    /**
     * The present state.
     *
     * @param selection what
     * @return all pages
     */
    public Snapshot snapshot(Selection selection) {
        throw new UnsupportedOperationException();
    }

    /**
     * What can be quoted.
     *
     * @param selection what
     * @return all pages
     */
    public Instruments instruments(Selection selection) {
        throw new UnsupportedOperationException();
    }

    /**
     * The health of every source.
     *
     * @return all
     */
    public List<SourceStatus> sources() {
        throw new UnsupportedOperationException();
    }

    /** Ends every subscription. */
    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }

    /** Options. */
    public static final class Builder {
        private Builder() {}

        /**
         * Encrypts.
         *
         * @return this
         */
        public Builder tls() {
            return this;
        }

        /**
         * Trusts a CA.
         *
         * @param file PEM
         * @return this
         */
        public Builder ca(Path file) {
            return this;
        }

        /**
         * Shows a certificate.
         *
         * @param certificate PEM
         * @param key PEM
         * @return this
         */
        public Builder certificate(Path certificate, Path key) {
            return this;
        }

        /**
         * The name in the server's certificate.
         *
         * @param name the name
         * @return this
         */
        public Builder serverName(String name) {
            return this;
        }

        /**
         * A bearer token.
         *
         * @param token the token
         * @return this
         */
        public Builder token(String token) {
            return this;
        }

        /**
         * Accepts clear text.
         *
         * @return this
         */
        public Builder tokenInClearText() {
            return this;
        }

        /**
         * Metadata.
         *
         * @param name its name
         * @param value its value
         * @return this
         */
        public Builder metadata(String name, String value) {
            return this;
        }

        /**
         * The limit of requests.
         *
         * @param limit 10 s if not given
         * @return this
         */
        public Builder timeout(Duration limit) {
            return this;
        }

        /**
         * The longest wait between tries.
         *
         * @param limit 5 s if not given
         * @return this
         */
        public Builder backoffCap(Duration limit) {
            return this;
        }

        /**
         * Tries in a row.
         *
         * @param reconnects for ever if not given
         * @return this
         */
        public Builder reconnectsMax(int reconnects) {
            return this;
        }

        /**
         * Makes the client.
         *
         * @return a client
         */
        public TickmuxClient connect() {
            throw new UnsupportedOperationException();
        }
    }
}
