package io.tickmux;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.tickmux.v1.MarketDataServiceGrpc;
import io.tickmux.v1.SubscribeRequest;
import io.tickmux.v1.SubscribeResponse;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One call of Subscribe. Whole responses pass from the thread of the connection to the one that reads, and no more of
 * them than the reader has asked for: what it does not ask for stays with gRPC, whose window then stops the server.
 */
final class SubscribeCall {
    /**
     * What the reader of a call finds: a response, or its end.
     *
     * @param response null at the end
     * @param status null before the end
     * @param trailers null before the end
     */
    record Arrival(SubscribeResponse response, Status status, Metadata trailers) {
        boolean isEnd() {
            return response == null;
        }
    }

    private final ClientCall<SubscribeRequest, SubscribeResponse> call;
    private final int readAhead;

    /** It holds no more than what was asked for, and the end. */
    private final BlockingQueue<Arrival> arrivals = new LinkedBlockingQueue<>();

    /** How many responses were asked for and not taken yet; the reader's own. */
    private int awaited;

    private SubscribeCall(ClientCall<SubscribeRequest, SubscribeResponse> call, int readAhead) {
        this.call = call;
        this.readAhead = readAhead;
    }

    /**
     * Sends the request.
     *
     * @param readAhead how many responses may wait to be read, at least 1
     */
    static SubscribeCall start(Channel channel, SubscribeRequest request, int readAhead) {
        // Parsing on the thread of the connection saves each response a change of threads.
        CallOptions options = CallOptions.DEFAULT.withExecutor(Runnable::run);
        SubscribeCall started =
                new SubscribeCall(channel.newCall(MarketDataServiceGrpc.getSubscribeMethod(), options), readAhead);
        started.call.start(started.new Listener(), new Metadata());
        started.call.sendMessage(request);
        started.call.halfClose();
        return started;
    }

    /**
     * Waits for the next response, or the end; of the reader alone.
     *
     * @return null if nothing came within the time
     */
    Arrival read(long nanos) throws InterruptedException {
        if (awaited <= readAhead / 2) {
            call.request(readAhead - awaited);
            awaited = readAhead;
        }
        Arrival arrival = arrivals.poll();
        if (arrival == null && nanos > 0) {
            arrival = arrivals.poll(nanos, TimeUnit.NANOSECONDS);
        }
        if (arrival != null && !arrival.isEnd()) {
            awaited--;
        }
        return arrival;
    }

    /** Ends the call, and wakes its reader; from any thread. */
    void cancel() {
        call.cancel("the reader has left", null);
    }

    private final class Listener extends ClientCall.Listener<SubscribeResponse> {
        @Override
        public void onMessage(SubscribeResponse response) {
            arrivals.add(new Arrival(response, null, null));
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            arrivals.add(new Arrival(null, status, trailers));
        }
    }
}
