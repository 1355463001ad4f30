package io.tickmux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.ConnectException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of the errors of gRPC. */
class RpcFailuresTest {
    @Test
    void anErrorOfGrpcItselfHasNoDetails() {
        Failure failure = RpcFailures.of(Status.UNAVAILABLE.withDescription("gone"), null, "host:1");
        assertEquals("UNAVAILABLE from host:1: gone", failure.message());
        assertEquals("", failure.reason());
        assertNull(failure.retryAfter());
        assertEquals(List.of(), failure.violations());
        assertEquals(
                "UNKNOWN from host:1",
                RpcFailures.of(Status.UNKNOWN, new Metadata(), "host:1").message());
    }

    @Test
    void whyAServerCannotBeReachedIsTold() {
        var refused = new RuntimeException("annotated", new ConnectException("Connection refused"));
        for (String text : List.of("io exception", "io exception\nChannel Pipeline: [SslHandler#0, X#0]", "")) {
            Status status = Status.UNAVAILABLE.withDescription(text).withCause(refused);
            assertEquals(
                    "UNAVAILABLE from host:1: Connection refused",
                    RpcFailures.of(status, null, "host:1").message());
        }
        var natively = new ConnectException("finishConnect(..) failed with error(-111): Connection refused");
        assertEquals(
                "UNAVAILABLE from host:1: Connection refused",
                RpcFailures.of(Status.UNAVAILABLE.withCause(natively), null, "host:1")
                        .message());
        Status told = Status.UNAVAILABLE.withDescription("draining").withCause(refused);
        assertEquals(
                "UNAVAILABLE from host:1: draining",
                RpcFailures.of(told, null, "host:1").message());
        Status silent = Status.UNAVAILABLE.withCause(new ConnectException());
        assertEquals(
                "UNAVAILABLE from host:1: ConnectException",
                RpcFailures.of(silent, null, "host:1").message());
    }

    @ParameterizedTest
    @CsvSource({"9223372036854775807, 2000000000", "-9223372036854775808, -2000000000"})
    void aDelayThatThereIsNotDoesNotHideTheStatus(long seconds, int nanos) {
        var delay = com.google.protobuf.Duration.newBuilder().setSeconds(seconds).setNanos(nanos);
        var retry = Any.pack(RetryInfo.newBuilder().setRetryDelay(delay).build());
        Failure failure = RpcFailures.of(Status.UNAVAILABLE, details(retry), "host:1");
        assertEquals(Failure.Kind.UNAVAILABLE, failure.kind());
        Duration wait = new Backoff(Backoff.FIRST, Backoff.FIRST, () -> 0).next(failure.retryAfter());
        assertEquals(seconds < 0 ? Duration.ZERO : Backoff.RETRY_AFTER_MAX, wait);
    }

    @Test
    void mangledDetailsDoNotHideTheStatus() {
        Metadata noStatus = new Metadata();
        noStatus.put(RpcFailures.DETAILS, new byte[] {(byte) 0xff});
        assertEquals(
                Failure.Kind.ACCESS_DENIED,
                RpcFailures.of(Status.UNAUTHENTICATED, noStatus, "host:1").kind());
        Any mangled = Any.pack(RetryInfo.getDefaultInstance()).toBuilder()
                .setValue(ByteString.copyFrom(new byte[] {(byte) 0xff}))
                .build();
        Any whole = Any.pack(ErrorInfo.newBuilder().setReason("WHOLE").build());
        Failure failure = RpcFailures.of(Status.UNAVAILABLE, details(mangled, whole), "host:1");
        assertEquals("WHOLE", failure.reason());
        assertNull(failure.retryAfter());
    }

    @Test
    void aDelayInThePastIsNone() {
        var past = RetryInfo.newBuilder().setRetryDelay(ContractTypes.duration(Duration.ofSeconds(-5)));
        Failure failure = RpcFailures.of(Status.UNAVAILABLE, details(Any.pack(past.build())), "host:1");
        assertEquals(Duration.ZERO, failure.retryAfter());
    }

    @Test
    void anErrorIsTheSameOnAnotherMachine() throws Exception {
        var failure = new Failure(
                Failure.Kind.INVALID_REQUEST,
                "no",
                "INVALID_ARGUMENT",
                "UNKNOWN_SOURCE",
                Duration.ofSeconds(1),
                List.of(new Violation("field", "wrong")),
                "token",
                null);
        var sent = new ByteArrayOutputStream();
        try (var out = new ObjectOutputStream(sent)) {
            out.writeObject(failure.exception());
        }
        try (var in = new ObjectInputStream(new ByteArrayInputStream(sent.toByteArray()))) {
            var received = (InvalidRequestException) in.readObject();
            assertEquals("no", received.getMessage());
            assertEquals("UNKNOWN_SOURCE", received.reason());
            assertEquals(List.of(new Violation("field", "wrong")), received.violations());
            assertEquals(Duration.ofSeconds(1), received.retryAfter().orElseThrow());
        }
    }

    private static Metadata details(Any... details) {
        Metadata trailers = new Metadata();
        var status = com.google.rpc.Status.newBuilder().addAllDetails(List.of(details));
        trailers.put(RpcFailures.DETAILS, status.build().toByteArray());
        return trailers;
    }
}
