package io.tickmux;

import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.tickmux.v1.MarketDataServiceGrpc;
import io.tickmux.v1.MarketDataServiceGrpc.MarketDataServiceBlockingStub;
import io.tickmux.v1.MarketDataServiceGrpc.MarketDataServiceStub;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * The door to gRPC itself, for what the plain API does not offer: every call as the contract has it, other services of
 * the same server, and options of the channel. Calls made here carry the client's token and metadata; they have no
 * timeout of the client, and it does not reconnect them.
 */
public final class RawAccess {
    private final ManagedChannel channel;

    private RawAccess(ManagedChannel channel) {
        this.channel = channel;
    }

    /**
     * Opens the door.
     *
     * @param client whose channel to use; it stays the client's, which closes it
     * @return what is behind it
     */
    public static RawAccess of(TickmuxClient client) {
        return new RawAccess(client.connection().channel());
    }

    /**
     * Has the channel made with further options; they win over ours. The server refuses pings that come closer than
     * 10 s.
     *
     * @param builder the options of the client
     * @param change sets what it likes on the builder of the channel, whenever a client is made
     * @return the same builder
     */
    public static TickmuxClient.Builder customise(
            TickmuxClient.Builder builder, Consumer<ManagedChannelBuilder<?>> change) {
        builder.customise(Objects.requireNonNull(change, "change"));
        return builder;
    }

    /**
     * The generated stub that waits for answers.
     *
     * @return a stub on the client's channel
     */
    public MarketDataServiceBlockingStub blockingStub() {
        return MarketDataServiceGrpc.newBlockingStub(channel);
    }

    /**
     * The generated stub that calls back.
     *
     * @return a stub on the client's channel
     */
    public MarketDataServiceStub asyncStub() {
        return MarketDataServiceGrpc.newStub(channel);
    }

    /**
     * The gRPC channel.
     *
     * @return the client's, to be closed by it alone
     */
    public ManagedChannel channel() {
        return channel;
    }
}
