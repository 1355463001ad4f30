package io.tickmux;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Translates what gRPC answered for a call, with the google.rpc details that came along. */
final class RpcFailures {
    /** Trailing metadata that holds a serialised google.rpc.Status. */
    static final Metadata.Key<byte[]> DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

    private static final String RESUME_TOKEN = "resume_token";

    /** What gRPC says where only the exception that it wraps knows why a target cannot be reached. */
    private static final Pattern NO_CONNECTION = Pattern.compile("^(io|ssl) exception( Channel Pipeline: \\[.*])?$");

    /** What the native transport puts before the text of the operating system. */
    private static final Pattern NATIVE = Pattern.compile("^\\w+\\(\\.\\.\\) failed with error\\(-?\\d+\\): ");

    private static final Pattern WHITE_SPACE = Pattern.compile("\\s+");

    private RpcFailures() {}

    /**
     * Translates a status.
     *
     * @param trailers null if there were none
     */
    static Failure of(Status status, Metadata trailers, String target) {
        String reason = "";
        String resumeToken = "";
        Duration retryAfter = null;
        List<Violation> violations = new ArrayList<>();
        for (Any detail : details(trailers)) {
            try {
                if (detail.is(ErrorInfo.class)) {
                    ErrorInfo info = detail.unpack(ErrorInfo.class);
                    reason = info.getReason();
                    resumeToken = info.getMetadataOrDefault(RESUME_TOKEN, "");
                } else if (detail.is(RetryInfo.class)) {
                    retryAfter = notNegative(detail.unpack(RetryInfo.class));
                } else if (detail.is(BadRequest.class)) {
                    for (var violation : detail.unpack(BadRequest.class).getFieldViolationsList()) {
                        violations.add(new Violation(violation.getField(), violation.getDescription()));
                    }
                }
            } catch (InvalidProtocolBufferException mangled) {
                // The status code stands by itself; a proxy that mangles a detail must not hide it.
                continue;
            }
        }
        return new Failure(
                kind(status.getCode()),
                message(status, target, violations),
                status.getCode().name(),
                reason,
                retryAfter,
                List.copyOf(violations),
                resumeToken,
                status.getCause());
    }

    /** Errors that the same call would meet again have kinds of their own; every other status may heal. */
    private static Failure.Kind kind(Status.Code code) {
        return switch (code) {
            case INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION, OUT_OF_RANGE -> Failure.Kind.INVALID_REQUEST;
            case UNAUTHENTICATED, PERMISSION_DENIED -> Failure.Kind.ACCESS_DENIED;
            case UNIMPLEMENTED -> Failure.Kind.UNIMPLEMENTED;
            default -> Failure.Kind.UNAVAILABLE;
        };
    }

    private static String message(Status status, String target, List<Violation> violations) {
        List<String> parts = new ArrayList<>();
        parts.add(status.getCode().name() + " from " + target);
        String text = text(status);
        if (!text.isEmpty()) {
            parts.add(text);
        }
        for (Violation violation : violations) {
            if (!text.contains(violation.description())) {
                parts.add(violation.field() + ": " + violation.description());
            }
        }
        return String.join(": ", parts);
    }

    private static String text(Status status) {
        String text = inOneLine(status.getDescription());
        Throwable cause = status.getCause();
        if (cause == null || !(text.isEmpty() || NO_CONNECTION.matcher(text).matches())) {
            return text;
        }
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        String why = NATIVE.matcher(inOneLine(cause.getMessage())).replaceFirst("");
        return why.isEmpty() ? cause.getClass().getSimpleName() : why;
    }

    private static String inOneLine(String text) {
        return text == null ? "" : WHITE_SPACE.matcher(text).replaceAll(" ").strip();
    }

    private static Duration notNegative(RetryInfo retry) {
        Duration delay = ContractTypes.duration(retry.getRetryDelay());
        return delay.isNegative() ? Duration.ZERO : delay;
    }

    private static List<Any> details(Metadata trailers) {
        byte[] details = trailers == null ? null : trailers.get(DETAILS);
        if (details == null) {
            return List.of();
        }
        try {
            return com.google.rpc.Status.parseFrom(details).getDetailsList();
        } catch (InvalidProtocolBufferException mangled) {
            return List.of();
        }
    }
}
