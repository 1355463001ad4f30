package io.tickmux;

import io.tickmux.v1.SubscribeRequest;
import io.tickmux.v1.SubscribeResponse;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The calls of one subscription, one after the other: opened, read within the limits of silence, and closed by any
 * thread. All but {@link #close} and {@link #isClosed} is of the one thread that reads.
 */
final class CallReader {
    private final Connection connection;
    private final int readAhead;
    private final CountDownLatch closed = new CountDownLatch(1);

    /** Guarded by this object, as a call may be opened while it is closed. */
    private SubscribeCall call;

    private boolean isWaiting;
    private long silentAt;
    private Failure failure;

    CallReader(Connection connection, int readAhead) {
        this.connection = connection;
        this.readAhead = readAhead;
    }

    /** Makes a call; false once this is closed. */
    synchronized boolean open(SubscribeRequest request) {
        if (isClosed()) {
            return false;
        }
        call = connection.subscribe(request, readAhead);
        isWaiting = false;
        failure = null;
        return true;
    }

    /** Whether there is a call to read from. */
    synchronized boolean isOpen() {
        return call != null;
    }

    /**
     * Waits for the next response of the call.
     *
     * @param deadline until when, by {@link System#nanoTime}
     * @return null if none came: in time, or ever if {@link #failure} says why
     */
    SubscribeResponse read(Session session, long deadline) throws InterruptedException {
        SubscribeCall.Arrival arrival = call.read(0);
        if (arrival == null) {
            long now = System.nanoTime();
            // From a look that finds nothing on: what the consumer does between two reads is not the server's silence.
            if (!isWaiting) {
                isWaiting = true;
                silentAt = now + ContractTypes.nanos(session.readMax());
            }
            arrival = call.read(Math.min(silentAt - now, deadline - now));
            if (arrival == null) {
                if (System.nanoTime() - silentAt >= 0) {
                    end(session.silence());
                }
                return null;
            }
        }
        isWaiting = false;
        if (!arrival.isEnd()) {
            return arrival.response();
        }
        boolean isOk = arrival.status().isOk();
        end(isOk ? session.ended() : RpcFailures.of(arrival.status(), arrival.trailers(), connection.target()));
        return null;
    }

    /** Why the latest call has ended; null if it has not. */
    Failure failure() {
        return failure;
    }

    /** Leaves the call, so that the next one can be opened. */
    synchronized void end(Failure why) {
        failure = why;
        if (call != null) {
            call.cancel();
            call = null;
        }
    }

    /** Waits; true once this is closed. */
    boolean awaitClosed(long nanos) throws InterruptedException {
        return closed.await(nanos, TimeUnit.NANOSECONDS);
    }

    boolean isClosed() {
        return closed.getCount() == 0;
    }

    /** Ends the call and lets no other be opened; its reader is woken. From any thread. */
    synchronized void close() {
        closed.countDown();
        if (call != null) {
            call.cancel();
        }
    }
}
