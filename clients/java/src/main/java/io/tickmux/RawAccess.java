package io.tickmux;

import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.tickmux.v1.MarketDataServiceGrpc.MarketDataServiceBlockingStub;
import io.tickmux.v1.MarketDataServiceGrpc.MarketDataServiceStub;
import java.util.function.Consumer;

/** The door to gRPC itself. */
public final class RawAccess {
    private RawAccess() {}

    /**
     * Of a client.
     *
     * @param client the client
     * @return its insides
     */
    public static RawAccess of(TickmuxClient client) {
        throw new UnsupportedOperationException();
    }

    /**
     * Changes the channel.
     *
     * @param builder options
     * @param change what to change
     * @return the options
     */
    public static TickmuxClient.Builder customise(
            TickmuxClient.Builder builder, Consumer<ManagedChannelBuilder<?>> change) {
        throw new UnsupportedOperationException();
    }

    /**
     * Stub.
     *
     * @return a stub
     */
    public MarketDataServiceBlockingStub blockingStub() {
        throw new UnsupportedOperationException();
    }

    /**
     * Stub.
     *
     * @return a stub
     */
    public MarketDataServiceStub asyncStub() {
        throw new UnsupportedOperationException();
    }

    /**
     * Channel.
     *
     * @return a channel
     */
    public ManagedChannel channel() {
        throw new UnsupportedOperationException();
    }
}
