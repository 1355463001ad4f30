package io.tickmux;

import io.tickmux.v1.SubscribeResponse;
import java.util.List;

/** The messages of one call, as they come. */
final class ResponseBatches implements Batches<SubscribeResponse> {
    private static final String OK = "OK";

    private final CallReader calls;
    private final Session session;
    private boolean hasOpened;
    private String token;

    ResponseBatches(CallReader calls, Session session) {
        this.calls = calls;
        this.session = session;
        token = session.reached();
    }

    @Override
    public List<SubscribeResponse> read(long deadline) throws InterruptedException {
        if (!hasOpened) {
            hasOpened = true;
            calls.open(session.open());
        }
        if (calls.isClosed() || !calls.isOpen()) {
            return null;
        }
        SubscribeResponse response = calls.read(session, deadline);
        if (response != null) {
            if (!response.getResumeToken().isEmpty()) {
                token = response.getResumeToken();
            }
            return List.of(response);
        }
        Failure failure = calls.failure();
        if (calls.isClosed() || (failure != null && failure.codeName().equals(OK))) {
            return null;
        }
        if (failure != null) {
            throw failure.exception();
        }
        return List.of();
    }

    @Override
    public String resumeToken() {
        return token;
    }

    @Override
    public void close() {
        calls.close();
    }
}
