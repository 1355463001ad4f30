import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tickmux.Delivery;
import io.tickmux.Event;
import io.tickmux.Quote;
import io.tickmux.Selection;
import io.tickmux.Snapshot;
import io.tickmux.Subscription;
import io.tickmux.TickmuxClient;
import io.tickmux.TickmuxException;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What the user of the Java client sees, for the conformance kit: {@code Conformance TARGET OPTIONS}. */
final class Conformance {
    private final JsonObject options;
    private final Map<String, Quote> kept = new TreeMap<>();

    private Conformance(JsonObject options) {
        this.options = options;
    }

    public static void main(String[] arguments) {
        Thread watch = new Thread(Conformance::endWithStandardInput, "standard input");
        watch.setDaemon(true);
        watch.start();
        new Conformance(JsonParser.parseString(arguments[1]).getAsJsonObject()).run(arguments[0]);
        System.exit(0);
    }

    private static void endWithStandardInput() {
        try {
            while (System.in.read() >= 0) {}
        } catch (IOException closed) {
            // As good as its end.
        }
        System.exit(0);
    }

    private void run(String target) {
        try (TickmuxClient client = connect(target)) {
            String call = text("call").orElse("subscribe");
            Subscription subscription = subscription();
            if (call.startsWith("snapshot")) {
                Snapshot snapshot = client.snapshot(selection());
                print(snapshot);
                subscription = subscription.after(snapshot);
            }
            if (call.endsWith("subscribe")) {
                try (var events = client.subscribe(subscription)) {
                    events.forEach(this::print);
                }
            }
        } catch (TickmuxException error) {
            print(error);
        }
    }

    private TickmuxClient connect(String target) {
        TickmuxClient.Builder builder = TickmuxClient.builder(target);
        duration("backoff_cap_s").ifPresent(builder::backoffCap);
        option("reconnects_max").ifPresent(tries -> builder.reconnectsMax(tries.getAsInt()));
        text("token").ifPresent(builder::token);
        return builder.connect();
    }

    private Selection selection() {
        return Selection.of(names("symbols")).sources(names("sources"));
    }

    private Subscription subscription() {
        Subscription subscription = Subscription.of(names("symbols")).sources(names("sources"));
        Optional<String> delivery = text("delivery");
        if (delivery.isPresent()) {
            subscription = subscription.delivery(Delivery.valueOf(delivery.get()));
        }
        Optional<Duration> heartbeats = duration("heartbeat_interval_s");
        if (heartbeats.isPresent()) {
            subscription = subscription.heartbeatInterval(heartbeats.get());
        }
        Optional<String> token = text("resume_token");
        return token.isPresent() ? subscription.resumeToken(token.get()) : subscription;
    }

    private Optional<JsonElement> option(String name) {
        return Optional.ofNullable(options.get(name));
    }

    private Optional<String> text(String name) {
        return option(name).map(JsonElement::getAsString);
    }

    private Optional<Duration> duration(String name) {
        return option(name).map(seconds -> Duration.ofNanos(Math.round(seconds.getAsDouble() * 1e9)));
    }

    private String[] names(String name) {
        return option(name).stream()
                .flatMap(names -> names.getAsJsonArray().asList().stream())
                .map(JsonElement::getAsString)
                .toArray(String[]::new);
    }

    private void print(Snapshot snapshot) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("resume_token", snapshot.resumeToken());
        line.put("unmatched", snapshot.unmatched());
        line.put("source_statuses", snapshot.sourceStatuses().stream().map(Lines::of).toList());
        print("Snapshot", line);
        snapshot.quotes().forEach(this::print);
    }

    private void print(Event event) {
        if (event instanceof Quote quote) {
            kept.put(quote.source() + "/" + quote.symbol(), quote);
            Lines.print("Quote", Lines.of(quote));
        } else {
            print(event.getClass().getSimpleName(), Lines.of(event));
        }
    }

    private void print(TickmuxException error) {
        print("Error", Lines.of(error));
    }

    private void print(String name, Map<String, Object> members) {
        members.put(
                "stale",
                kept.entrySet().stream().filter(entry -> entry.getValue().isStale()).map(Map.Entry::getKey).toList());
        Lines.print(name, members);
    }
}
