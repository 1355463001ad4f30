import com.google.gson.Gson;
import io.tickmux.Event;
import io.tickmux.Hole;
import io.tickmux.Quote;
import io.tickmux.Reconnected;
import io.tickmux.Subscription;
import io.tickmux.TickmuxClient;
import io.tickmux.TickmuxException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.FutureTask;

/**
 * Prints what a user of the Java client sees, one JSON object a line, until it is told to end: {@code Follow TARGET}.
 *
 * <p>The environment may hold FOLLOW_CA, a PEM file, and FOLLOW_TOKEN.
 */
final class Follow {
    private static final Gson JSON = new Gson();

    private Follow() {}

    public static void main(String[] arguments) {
        TickmuxClient client = connect(arguments[0]);
        FutureTask<Integer> following = new FutureTask<>(() -> follow(client));
        // A program that a signal ends would not have the exit code of one that ended well.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> end(client, following)));
        following.run();
        System.exit(0);
    }

    private static TickmuxClient connect(String target) {
        TickmuxClient.Builder builder = TickmuxClient.builder(target);
        Map<String, String> variables = System.getenv();
        if (variables.containsKey("FOLLOW_CA")) {
            builder.ca(Path.of(variables.get("FOLLOW_CA")));
        }
        if (variables.containsKey("FOLLOW_TOKEN")) {
            builder.token(variables.get("FOLLOW_TOKEN"));
        }
        return builder.connect();
    }

    private static int follow(TickmuxClient client) {
        try (var events = client.subscribe(Subscription.all())) {
            for (Event event : events) {
                System.out.println(JSON.toJson(seen(event)));
            }
            return 0;
        } catch (TickmuxException error) {
            System.err.println("ended by " + error.getMessage());
            return 1;
        }
    }

    private static void end(TickmuxClient client, FutureTask<Integer> following) {
        int code = 1;
        try {
            client.close();
            code = following.get();
        } catch (Exception error) {
            error.printStackTrace();
        } finally {
            Runtime.getRuntime().halt(code);
        }
    }

    private static Map<String, Object> seen(Event event) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("event", event.getClass().getSimpleName());
        if (event instanceof Quote quote) {
            line.put("source", quote.source());
            line.put("symbol", quote.symbol());
            line.put("epoch", quote.epoch());
            line.put("revision", quote.revision());
            line.put("gap", quote.gapBefore());
        } else if (event instanceof Hole hole) {
            line.put("source", hole.source());
            line.put("symbol", hole.symbol());
            line.put("epoch", hole.epoch());
            line.put("revision", hole.seenRevision());
        } else if (event instanceof Reconnected reconnected) {
            line.put("resumed", reconnected.resumed());
        } else {
            line.put("text", event.toString());
        }
        return line;
    }
}
