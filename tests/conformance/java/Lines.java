import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.tickmux.AccessDeniedException;
import io.tickmux.Conflated;
import io.tickmux.Disconnected;
import io.tickmux.Event;
import io.tickmux.Hole;
import io.tickmux.InvalidRequestException;
import io.tickmux.Quote;
import io.tickmux.Reconnected;
import io.tickmux.SourceChanged;
import io.tickmux.SourceStatus;
import io.tickmux.TickmuxException;
import io.tickmux.UnavailableException;
import io.tickmux.UnimplementedException;
import io.tickmux.Unmatched;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** The members of each line of the conformance kit, as its README names them. */
final class Lines {
    // It comes with gRPC. The validator tells a number that is none from one that is not known.
    private static final Gson JSON =
            new GsonBuilder().serializeNulls().serializeSpecialFloatingPointValues().create();

    private Lines() {}

    static void print(String name, Map<String, Object> members) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("line", name);
        line.putAll(members);
        // In one piece, as the program may be told to end at any time.
        System.out.print(JSON.toJson(line) + "\n");
        System.out.flush();
    }

    static Map<String, Object> of(Quote quote) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("source", quote.source());
        members.put("symbol", quote.symbol());
        members.put("type", quote.type());
        members.put("exchange", quote.exchange());
        members.put("channel", quote.channel());
        members.put("epoch", unsigned(quote.epoch()));
        members.put("revision", unsigned(quote.revision()));
        members.put("bid_price", number(quote.bidPrice()));
        members.put("bid_size", number(quote.bidSize()));
        members.put("ask_price", number(quote.askPrice()));
        members.put("ask_size", number(quote.askSize()));
        members.put("last_price", number(quote.lastPrice()));
        members.put("volume", number(quote.volume()));
        members.put("bid_ask_age_ms", milliseconds(quote.bidAskAge()));
        members.put("last_age_ms", milliseconds(quote.lastAge()));
        members.put("timestamp_ns", nanoseconds(quote.timestamp()));
        members.put("received_at_ns", nanoseconds(quote.receivedAt()));
        var flags = quote.flags().stream().map(flag -> flag.name().toLowerCase(Locale.ROOT));
        members.put("flags", flags.sorted().toList());
        members.put("gap_before", quote.gapBefore());
        members.put("is_stale", quote.isStale());
        return members;
    }

    static Map<String, Object> of(SourceStatus status) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("source", status.source());
        members.put("channel", status.channel());
        members.put("state", status.state().name());
        members.put("epoch", unsigned(status.epoch()));
        members.put("is_healthy", status.isHealthy());
        return members;
    }

    static Map<String, Object> of(Event event) {
        Map<String, Object> members = new LinkedHashMap<>();
        if (event instanceof Conflated conflated) {
            members.put("count", unsigned(conflated.count()));
        } else if (event instanceof Disconnected disconnected) {
            members.put("reason", disconnected.reason());
            members.put("attempts", disconnected.attempts());
            members.put("retry_in_s", seconds(disconnected.retryIn()));
        } else if (event instanceof Hole hole) {
            members.put("source", hole.source());
            members.put("symbol", hole.symbol());
            members.put("epoch", unsigned(hole.epoch()));
            members.put("expected_revision", unsigned(hole.expectedRevision()));
            members.put("seen_revision", unsigned(hole.seenRevision()));
        } else if (event instanceof Reconnected reconnected) {
            members.put("attempts", reconnected.attempts());
            members.put("resumed", reconnected.resumed());
        } else if (event instanceof SourceChanged changed) {
            members.putAll(of(changed.status()));
        } else if (event instanceof Unmatched unmatched) {
            members.put("symbols", unmatched.symbols());
        }
        return members;
    }

    static Map<String, Object> of(TickmuxException error) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("kind", kind(error));
        members.put("code", error.codeName());
        members.put("reason", error.reason());
        members.put("resume_token", error.resumeToken());
        members.put("retry_after_s", error.retryAfter().map(Lines::seconds).orElse(null));
        return members;
    }

    private static String kind(TickmuxException error) {
        if (error instanceof InvalidRequestException) {
            return "INVALID_REQUEST";
        }
        if (error instanceof AccessDeniedException) {
            return "ACCESS_DENIED";
        }
        if (error instanceof UnimplementedException) {
            return "UNIMPLEMENTED";
        }
        return error instanceof UnavailableException ? "UNAVAILABLE" : "OTHER";
    }

    private static BigInteger unsigned(long number) {
        return new BigInteger(Long.toUnsignedString(number));
    }

    private static Double number(OptionalDouble number) {
        return number.isPresent() ? number.getAsDouble() : null;
    }

    private static BigInteger milliseconds(Optional<Duration> age) {
        return age.map(Duration::toMillis).map(Lines::unsigned).orElse(null);
    }

    private static Long nanoseconds(Optional<Instant> time) {
        return time.map(instant -> ChronoUnit.NANOS.between(Instant.EPOCH, instant)).orElse(null);
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }
}
