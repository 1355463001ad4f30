package io.tickmux;

import static org.junit.jupiter.api.Assertions.fail;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Reads what a subscription yields, up to what a test waits for. */
final class Following {
    static final Duration LIMIT = Duration.ofSeconds(ScriptedServer.LIMIT_S);

    private Following() {}

    static TickmuxClient client(ScriptedServer server) {
        return options(server).connect();
    }

    static TickmuxClient.Builder options(ScriptedServer server) {
        return TickmuxClient.builder(server.target()).backoffCap(Duration.ofMillis(10));
    }

    static List<Event> watch(ScriptedServer server, Predicate<Event> isLast) {
        return watch(server, isLast, Subscription.all());
    }

    static List<Event> watch(ScriptedServer server, Predicate<Event> isLast, Subscription subscription) {
        try (TickmuxClient client = client(server)) {
            return watch(client, isLast, subscription);
        }
    }

    static List<Event> watch(TickmuxClient client, Predicate<Event> isLast, Subscription subscription) {
        List<Event> events = new ArrayList<>();
        watch(client, isLast, subscription, events);
        return events;
    }

    static void watch(
            TickmuxClient client, Predicate<Event> isLast, Subscription subscription, List<Event> events) {
        try (var stream = client.subscribe(subscription)) {
            while (true) {
                Event event = stream.poll(LIMIT)
                        .orElseGet(() -> fail("nothing came after " + events.stream().map(Summary::line).toList()));
                events.add(event);
                if (isLast.test(event)) {
                    return;
                }
            }
        }
    }

    static Predicate<Event> revision(long wanted) {
        return event -> event instanceof Quote quote && quote.revision() == wanted;
    }
}
