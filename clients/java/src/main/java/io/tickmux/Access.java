package io.tickmux;

import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a client trusts, and how it shows who it is. No text of it holds the token. */
final class Access {
    private static final String AUTHORIZATION = "authorization";

    /** The scheme of a gRPC target: {@code localhost:50051} has none. */
    private static final Pattern SCHEME = Pattern.compile("([a-z][a-z0-9-]*):(?!\\d+$)(.*)");

    private static final Pattern LOOPBACK_IPV4 = Pattern.compile("127(\\.\\d{1,3}){3}");
    private static final Pattern WITH_PORT = Pattern.compile("(\\[.*]|[^:]*):\\d+");

    private boolean isEncrypted;
    private Path ca;
    private Path certificate;
    private Path key;
    private String token = "";
    private boolean isTokenInClearText;
    private final Map<String, String> metadata = new LinkedHashMap<>();

    void encrypt() {
        isEncrypted = true;
    }

    void trust(Path caFile) {
        ca = caFile;
        isEncrypted = true;
    }

    void show(Path certificateFile, Path keyFile) {
        certificate = certificateFile;
        key = keyFile;
        isEncrypted = true;
    }

    void send(String bearerToken) {
        token = bearerToken;
    }

    void send(String name, String value) {
        metadata.put(name, value);
    }

    void allowClearText() {
        isTokenInClearText = true;
    }

    boolean isEncrypted() {
        return isEncrypted;
    }

    boolean hasToken() {
        return !token.isEmpty();
    }

    /**
     * What the channel encrypts with, if it does.
     *
     * @throws InvalidRequestException a file cannot be read, or holds something else
     */
    ChannelCredentials credentials() {
        if (!isEncrypted) {
            return InsecureChannelCredentials.create();
        }
        TlsChannelCredentials.Builder credentials = TlsChannelCredentials.newBuilder();
        try {
            if (ca != null) {
                requirePem("ca", ca, "CERTIFICATE");
                credentials.trustManager(ca.toFile());
            }
            if (certificate != null) {
                requirePem("certificate", certificate, "CERTIFICATE");
                requirePem("certificate", key, "PRIVATE KEY");
                credentials.keyManager(certificate.toFile(), key.toFile());
            }
        } catch (IOException failure) {
            throw Failure.invalidOption("a file of the TLS options cannot be read: " + failure.getMessage())
                    .exception();
        }
        return credentials.build();
    }

    /**
     * What is sent with every call: the metadata of the options, and the token.
     *
     * @throws InvalidRequestException the token is none, or others could read it on its way
     */
    Metadata callMetadata(String target) {
        Metadata sent = new Metadata();
        metadata.forEach((name, value) -> sent.put(key(name), sendable(name, value)));
        if (!hasToken()) {
            return sent;
        }
        if (token.chars().anyMatch(sign -> sign <= ' ' || sign >= 0x7f)) {
            throw Failure.invalidOption(
                            "token: expected letters, digits and signs without spaces or line ends (it is not shown"
                                    + " here)")
                    .exception();
        }
        if (sent.containsKey(key(AUTHORIZATION))) {
            throw Failure.invalidOption("token: the metadata holds an authorization already; give one or the other")
                    .exception();
        }
        if (!(isEncrypted || isTokenInClearText || staysOnThisMachine(target))) {
            throw Failure.invalidOption("token: it would travel to " + target + " in clear text; encrypt by tls() or"
                            + " ca(), or accept that by tokenInClearText()")
                    .exception();
        }
        sent.put(key(AUTHORIZATION), "Bearer " + token);
        return sent;
    }

    /** Whether no other machine is on the way to a gRPC target, by its text alone; in doubt it is not. */
    static boolean staysOnThisMachine(String target) {
        Matcher scheme = SCHEME.matcher(target);
        boolean hasScheme = scheme.matches();
        String kind = hasScheme ? scheme.group(1) : "dns";
        String address = hasScheme ? scheme.group(2) : target;
        if (kind.equals("unix")) {
            return true;
        }
        if (!kind.equals("dns")) {
            return false;
        }
        if (address.startsWith("//")) {
            // With an authority, a name server of the caller's choice says where it is.
            return address.startsWith("///") && isLoopback(address.substring("///".length()));
        }
        return isLoopback(address);
    }

    private static boolean isLoopback(String address) {
        Matcher withPort = WITH_PORT.matcher(address);
        String host = (withPort.matches() ? withPort.group(1) : address).toLowerCase(Locale.ROOT);
        return host.equals("localhost")
                || host.equals("[::1]")
                || host.equals("::1")
                || LOOPBACK_IPV4.matcher(host).matches();
    }

    /** gRPC itself says of any other content, when it connects, only that its input is no valid one. */
    private static void requirePem(String option, Path file, String label) throws IOException {
        String content;
        try {
            content = Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException failure) {
            throw Failure.invalidOption(option + ": " + file + " cannot be read (" + failure.getClass().getSimpleName()
                            + ")")
                    .exception();
        }
        if (!content.contains(label + "-----")) {
            throw Failure.invalidOption(option + ": " + file + " holds no " + label.toLowerCase(Locale.ROOT)
                            + " in PEM form")
                    .exception();
        }
    }

    /** gRPC leaves any other value out, and writes it to its log. */
    private static String sendable(String name, String value) {
        if (value.chars().anyMatch(sign -> sign < ' ' || sign >= 0x7f)) {
            throw Failure.invalidOption("metadata: the value of " + name
                            + " holds signs other than ASCII ones (it is not shown here)")
                    .exception();
        }
        return value;
    }

    private static Metadata.Key<String> key(String name) {
        try {
            return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
        } catch (IllegalArgumentException failure) {
            throw Failure.invalidOption("metadata: " + failure.getMessage()).exception();
        }
    }
}
