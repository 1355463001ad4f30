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
import io.grpc.ServerCredentials;
import io.grpc.TlsServerCredentials;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TLS, with both sides certified. */
class TlsTest {
    private static final String NAME = "quotes.example";
    private static final String PASSWORD = "changeit";

    @TempDir
    static Path folder;

    private static Path certificate;
    private static Path key;

    /** A certificate for NAME that is its own authority, as PEM files. */
    @BeforeAll
    static void certify() throws Exception {
        Path store = folder.resolve("store.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                        "-genkeypair",
                        "-alias",
                        "quotes",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=" + NAME,
                        "-ext",
                        "san=dns:" + NAME,
                        "-ext",
                        "bc:critical=ca:true",
                        "-validity",
                        "1",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD,
                        "-keystore",
                        store.toString())
                .inheritIO()
                .start();
        assertTrue(keytool.waitFor(ScriptedServer.LIMIT_S, TimeUnit.SECONDS));
        assertEquals(0, keytool.exitValue());
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream content = Files.newInputStream(store)) {
            keys.load(content, PASSWORD.toCharArray());
        }
        certificate = pem("CERTIFICATE", keys.getCertificate("quotes").getEncoded());
        key = pem("PRIVATE KEY", keys.getKey("quotes", PASSWORD.toCharArray()).getEncoded());
    }

    @Test
    void aServerThatIsTrustedAndTrustsIsTalkedTo() throws Exception {
        try (var server = server();
                var client = certified(options(server)).token("t0ken").connect()) {
            watch(client, revision(1), Subscription.all());
            var sent = server.metadata.get(0);
            assertEquals(
                    "Bearer t0ken",
                    sent.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER)));
        }
    }

    @Test
    void anotherAuthorityIsNotTrusted() throws Exception {
        refused(options -> options.tls().serverName(NAME).certificate(certificate, key), "certificat");
    }

    @Test
    void anotherNameIsNotTaken() throws Exception {
        refused(options -> options.ca(certificate).certificate(certificate, key), "127.0.0.1");
    }

    @Test
    void aServerThatAsksForACertificateGetsNoneFromWhoHasNone() throws Exception {
        refused(options -> options.ca(certificate).serverName(NAME), "");
    }

    @Test
    void clearTextIsNotUnderstood() throws Exception {
        refused(options -> options, "");
    }

    private static void refused(UnaryOperator<TickmuxClient.Builder> access, String why) throws Exception {
        try (var server = server();
                var client = access.apply(options(server)).connect()) {
            var failure = assertThrows(UnavailableException.class, client::sources);
            assertTrue(failure.getMessage().contains(why), failure.getMessage());
            assertFalse(failure.getMessage().contains("\n"), failure.getMessage());
        }
    }

    private static TickmuxClient.Builder certified(TickmuxClient.Builder options) {
        return options.ca(certificate).serverName(NAME).certificate(certificate, key);
    }

    private static ScriptedServer server() throws Exception {
        ServerCredentials credentials = TlsServerCredentials.newBuilder()
                .keyManager(certificate.toFile(), key.toFile())
                .trustManager(certificate.toFile())
                .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
                .build();
        return new ScriptedServer(0, credentials, call(opening("", quote("A", 1)), hang()));
    }

    private static Path pem(String label, byte[] content) throws Exception {
        String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
        Path file = folder.resolve(label + ".pem");
        return Files.writeString(file, "-----BEGIN " + label + "-----\n" + text + "\n-----END " + label + "-----\n");
    }
}
