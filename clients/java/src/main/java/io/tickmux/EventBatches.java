package io.tickmux;

import io.tickmux.v1.SubscribeResponse;
import java.util.List;

/** Drives a session: it moves bytes and waits, call after call. */
final class EventBatches implements Batches<Event> {
    private final CallReader calls;

    /** Guarded by itself: its reader and the thread that closes it meet here once a batch. */
    private final Session session;

    /** As of the latest response: that a token was refused in the meantime is told by the next one, with its Reset. */
    private String reached;

    private boolean isPausing;
    private long pausedUntil;

    EventBatches(CallReader calls, Session session) {
        this.calls = calls;
        this.session = session;
        reached = session.reached();
    }

    @Override
    public List<Event> read(long deadline) throws InterruptedException {
        while (!calls.isClosed()) {
            List<Event> rest = rest();
            if (!rest.isEmpty()) {
                return rest;
            }
            if (isPausing && !pause(deadline)) {
                break;
            }
            if (isPausing) {
                return List.of();
            }
            if (!calls.isOpen() && !calls.open(session.open())) {
                break;
            }
            SubscribeResponse response = calls.read(session, deadline);
            List<Event> events;
            if (response != null && !session.isLeaving()) {
                // Though there be none: the token may have moved on.
                return receive(response);
            } else if (response != null) {
                // The one before said that it was the last.
                events = lost(session.ended());
            } else if (calls.failure() != null) {
                events = lost(calls.failure());
            } else {
                return List.of();
            }
            if (!events.isEmpty()) {
                return events;
            }
        }
        return null;
    }

    @Override
    public String resumeToken() {
        return reached;
    }

    @Override
    public void close() {
        calls.close();
        synchronized (session) {
            session.end();
        }
    }

    private List<Event> receive(SubscribeResponse response) {
        synchronized (session) {
            if (calls.isClosed()) {
                return List.of();
            }
            List<Event> events = session.receive(response);
            if (!session.hasRest()) {
                reached = session.reached();
            }
            return events;
        }
    }

    /** What the latest response has left, now that its events were read. */
    private List<Event> rest() {
        synchronized (session) {
            if (calls.isClosed() || !session.hasRest()) {
                return List.of();
            }
            reached = session.reached();
            return session.rest();
        }
    }

    private List<Event> lost(Failure failure) {
        calls.end(failure);
        synchronized (session) {
            if (calls.isClosed()) {
                return List.of();
            }
            List<Event> events = session.lost(failure);
            isPausing = true;
            pausedUntil = System.nanoTime() + ContractTypes.nanos(session.pause());
            return events;
        }
    }

    /** Waits for the end of the pause, or the deadline; false once closed. */
    private boolean pause(long deadline) throws InterruptedException {
        long now = System.nanoTime();
        if (calls.awaitClosed(Math.max(0, Math.min(pausedUntil - now, deadline - now)))) {
            return false;
        }
        isPausing = pausedUntil - System.nanoTime() > 0;
        return true;
    }
}
