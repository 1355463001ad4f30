package io.tickmux;

import static io.tickmux.Following.options;
import static io.tickmux.Following.revision;
import static io.tickmux.Following.watch;
import static io.tickmux.Messages.opening;
import static io.tickmux.Messages.quote;
import static io.tickmux.ScriptedServer.call;
import static io.tickmux.ScriptedServer.hang;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Metadata;
import io.tickmux.v1.ListSourcesRequest;
import java.io.IOException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client sends along, and to whom. */
class AccessTest {
    private static final String SECRET = "tmx_secret";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost:50051",
                "LOCALHOST:1",
                "127.0.0.1:1",
                "127.9.9.9",
                "[::1]:1",
                "::1",
                "dns:///localhost:1",
                "dns:localhost:1",
                "unix:/run/tickmux"
            })
    void onThisMachineATokenMayTravelInClearText(String target) {
        assertTrue(Access.staysOnThisMachine(target));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "quotes.example:50051",
                "10.0.0.1:1",
                "[2001:db8::1]:1",
                "dns://10.0.0.1/localhost:1",
                "xds:///localhost:1",
                "localhost.example:1",
                "127.0.0.1.example:1",
                ""
            })
    void toAnotherMachineItMayNot(String target) {
        assertFalse(Access.staysOnThisMachine(target));
    }

    @Test
    void optionsThatAreRefused(@TempDir Path folder) throws IOException {
        Path empty = Files.createFile(folder.resolve("empty.pem"));
        Path missing = folder.resolve("missing.pem");
        refused("it would travel to quotes.example:1 in clear text", options -> options.token(SECRET));
        refused("expected letters, digits and signs", options -> options.token(SECRET + "\n"));
        refused(
                "give one or the other",
                options -> options.tls().token(SECRET).metadata("Authorization", "x"));
        refused("ca: " + missing + " cannot be read (NoSuchFileException)", options -> options.ca(missing));
        refused("ca: " + empty + " holds no certificate in PEM form", options -> options.ca(empty));
        refused("certificate: " + empty, options -> options.certificate(empty, missing));
        refused("metadata: ", options -> options.metadata("no name", "x"));
        refused("metadata: the value of desk", options -> options.metadata("desk", SECRET + "\n"));
        refused(
                "timeout and backoffCap must be positive, not PT0S and PT5S",
                options -> options.timeout(Duration.ZERO));
        refused(
                "timeout and backoffCap must be positive, not PT10S and PT-1S",
                options -> options.backoffCap(Duration.ofSeconds(-1)));
        builder().token(SECRET).tokenInClearText().connect().close();
        builder().token(SECRET).tls().connect().close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "dns://a b", "[::1", "localhost:", "localhost:99999", "localhost:12345678901"})
    void whatIsNoTargetIsRefused(String target) {
        var refusal = assertThrows(InvalidRequestException.class, () -> TickmuxClient.connect(target));
        String text = "\"" + target + "\" cannot be connected to: ";
        assertTrue(refusal.getMessage().startsWith(text), refusal.getMessage());
    }

    @Test
    void metadataAndTokenGoWithEveryCallThoseOfTheRawStubsIncluded() throws IOException {
        try (var server = new ScriptedServer(call(opening("", quote("A", 1)), hang()));
                var client = options(server).token("t0ken").metadata("desk", "7").connect()) {
            watch(client, revision(1), Subscription.all());
            client.sources();
            RawAccess.of(client).blockingStub().listSources(ListSourcesRequest.getDefaultInstance());
            assertEquals(3, server.metadata.size());
            for (Metadata sent : server.metadata) {
                assertEquals("Bearer t0ken", sent.get(key("authorization")));
                assertEquals("7", sent.get(key("desk")));
            }
        }
    }

    @Test
    void theChannelIsMadeAsTheUserLikes() throws IOException {
        try (var server = new ScriptedServer()) {
            var options = RawAccess.customise(options(server), channel -> channel.userAgent("desk-7"));
            try (var client = options.connect()) {
                client.sources();
                assertEquals(client.target(), RawAccess.of(client).channel().authority());
            }
            String agent = server.metadata.get(0).get(key("user-agent"));
            assertTrue(agent.startsWith("desk-7 "), agent);
        }
    }

    @Test
    void aTokenInClearTextPassesByTheProxyOfTheEnvironment() throws IOException {
        var usual = ProxySelector.getDefault();
        var asked = new RecordingProxies();
        ProxySelector.setDefault(asked);
        try (var server = new ScriptedServer()) {
            try (var client = options(server).connect()) {
                client.sources();
            }
            assertEquals(1, asked.targets.size());
            try (var client = options(server).token(SECRET).connect()) {
                client.sources();
            }
            assertEquals(1, asked.targets.size());
        } finally {
            ProxySelector.setDefault(usual);
        }
    }

    /** Knows of no proxy, and of what it was asked. */
    private static final class RecordingProxies extends ProxySelector {
        final List<URI> targets = new CopyOnWriteArrayList<>();

        @Override
        public List<Proxy> select(URI target) {
            targets.add(target);
            return List.of(Proxy.NO_PROXY);
        }

        @Override
        public void connectFailed(URI target, SocketAddress proxy, IOException failure) {
            throw new AssertionError(failure);
        }
    }

    private static void refused(String problem, UnaryOperator<TickmuxClient.Builder> options) {
        var refusal = assertThrows(
                InvalidRequestException.class, () -> options.apply(builder()).connect());
        assertTrue(refusal.getMessage().contains(problem), refusal.getMessage());
        assertFalse(refusal.getMessage().contains(SECRET), "the error holds the token");
        assertEquals("INVALID_OPTION", refusal.reason());
    }

    private static TickmuxClient.Builder builder() {
        return TickmuxClient.builder("quotes.example:1");
    }

    private static Metadata.Key<String> key(String name) {
        return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
    }
}
