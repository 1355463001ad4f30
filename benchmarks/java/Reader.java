import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.tickmux.Quote;
import io.tickmux.Subscription;
import io.tickmux.TickmuxClient;
import io.tickmux.v1.MarketDataServiceGrpc;
import io.tickmux.v1.SubscribeRequest;
import io.tickmux.v1.SubscribeResponse;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Iterator;

/**
 * One consumer of quotes, with our client or with the generated code alone. Run by benchmarks/clients.py: a line of JSON
 * on stdin, an answer on stdout.
 */
final class Reader {
    private Reader() {}

    /** Answers requests until stdin closes. */
    public static void main(String[] arguments) throws IOException {
        var requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            System.out.println(answer(Request.parse(line)));
        }
    }

    private static String answer(Request request) {
        return switch (request.action() + " " + request.way()) {
            case "consume client" -> consumeWithClient(request);
            case "consume stubs" -> consumeWithStubs(request);
            case "latency client" -> latencyWithClient(request);
            case "latency stubs" -> latencyWithStubs(request);
            default -> throw new IllegalArgumentException("no answer to " + request);
        };
    }

    private static String consumeWithClient(Request request) {
        var meter = new Meter(request);
        var user = new User();
        try (var client = TickmuxClient.connect(request.address());
                var quotes = client.quotes(Subscription.all())) {
            for (Quote quote : quotes) {
                user.take(quote.symbol(), quote.bidPrice().orElse(0));
                if (meter.isOver()) {
                    break;
                }
            }
        }
        user.check();
        return meter.answer();
    }

    private static String consumeWithStubs(Request request) {
        var meter = new Meter(request);
        var user = new User();
        ManagedChannel channel = open(request);
        try {
            Iterator<SubscribeResponse> responses = subscribe(channel);
            while (!meter.hasEnded()) {
                for (io.tickmux.v1.Quote quote : responses.next().getQuotesList()) {
                    user.take(quote.getSymbol(), quote.getBidPrice());
                    if (meter.isOver()) {
                        break;
                    }
                }
            }
        } finally {
            channel.shutdownNow();
        }
        user.check();
        return meter.answer();
    }

    private static String latencyWithClient(Request request) {
        var watch = new Stopwatch(request);
        try (var client = TickmuxClient.connect(request.address());
                var quotes = client.quotes(Subscription.all())) {
            for (Quote quote : quotes) {
                if (watch.isOver(quote.receivedAt().orElseThrow())) {
                    break;
                }
            }
        }
        return watch.answer();
    }

    private static String latencyWithStubs(Request request) {
        var watch = new Stopwatch(request);
        ManagedChannel channel = open(request);
        try {
            Iterator<SubscribeResponse> responses = subscribe(channel);
            while (!watch.hasEnded()) {
                for (io.tickmux.v1.Quote quote : responses.next().getQuotesList()) {
                    var receivedAt = quote.getReceivedAt();
                    if (watch.isOver(Instant.ofEpochSecond(receivedAt.getSeconds(), receivedAt.getNanos()))) {
                        break;
                    }
                }
            }
        } finally {
            channel.shutdownNow();
        }
        return watch.answer();
    }

    private static ManagedChannel open(Request request) {
        return Grpc.newChannelBuilder(request.address(), InsecureChannelCredentials.create())
                .build();
    }

    private static Iterator<SubscribeResponse> subscribe(ManagedChannel channel) {
        return MarketDataServiceGrpc.newBlockingStub(channel).subscribe(SubscribeRequest.getDefaultInstance());
    }

    /** What is done with each quote: enough to know of what it is, and its bid. */
    private static final class User {
        private double bids;
        private long letters;

        void take(String symbol, double bid) {
            letters += symbol.length();
            bids += bid;
        }

        void check() {
            if (bids == 0 || letters == 0) {
                throw new IllegalStateException("nothing was read");
            }
        }
    }
}
