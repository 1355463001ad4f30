package io.tickmux;

import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.stub.MetadataUtils;
import java.net.URI;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Makes the gRPC channel of a client. */
final class Channels {
    private static final int CONNECT_TIMEOUT_MS = 5_000;

    /** The server refuses pings closer than 10 s. */
    private static final long KEEPALIVE_S = 20;

    private static final long KEEPALIVE_TIMEOUT_S = 10;

    /** A page of 10 000 quotes takes some 2 MB; gRPC's default of 4 MiB leaves little room above it. */
    private static final int RECEIVE_BYTES_MAX = 16 << 20;

    /**
     * Fixed, as gRPC's growing one is measured by pings of its own. A stream that is not read holds no more than this
     * here; it carries some 80 000 quotes a second over 100 ms.
     */
    private static final int STREAM_WINDOW_BYTES = 1 << 20;

    private static final Pattern PORT = Pattern.compile(":(\\d*)$");

    private static final int PORT_MAX = 65_535;

    private Channels() {}

    /**
     * Makes a channel; nothing is sent yet.
     *
     * @param serverName null to expect that of the target
     * @throws InvalidRequestException options that do not go together, a file that cannot be read, or no target
     */
    static ManagedChannel open(
            String target, Access access, String serverName, Consumer<ManagedChannelBuilder<?>> customise) {
        var metadata = access.callMetadata(target);
        try {
            requireTarget(target);
            NettyChannelBuilder builder = NettyChannelBuilder.forTarget(target, access.credentials())
                    .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MS)
                    .flowControlWindow(STREAM_WINDOW_BYTES)
                    .maxInboundMessageSize(RECEIVE_BYTES_MAX)
                    .keepAliveTime(KEEPALIVE_S, TimeUnit.SECONDS)
                    .keepAliveTimeout(KEEPALIVE_TIMEOUT_S, TimeUnit.SECONDS)
                    .keepAliveWithoutCalls(false)
                    // Nobody else may say how calls are retried.
                    .disableServiceConfigLookUp()
                    .disableRetry();
            if (!metadata.keys().isEmpty()) {
                builder.intercept(MetadataUtils.newAttachHeadersInterceptor(metadata));
            }
            if (serverName != null) {
                builder.overrideAuthority(serverName);
            }
            if (access.hasToken() && !access.isEncrypted()) {
                // Even on the way to this machine a proxy of the environment would be asked, and could read it.
                builder.proxyDetector(address -> null);
            }
            customise.accept(builder);
            return builder.build();
        } catch (IllegalArgumentException failure) {
            throw Failure.invalidOption("\"" + target + "\" cannot be connected to: " + failure.getMessage())
                    .exception();
        }
    }

    /** gRPC finds out later: when it has taken threads already, or on one of its own, where nobody hears of it. */
    private static void requireTarget(String target) {
        URI.create(target.contains("://") ? target : "//" + target);
        Matcher port = PORT.matcher(target);
        if (port.find() && !isPort(port.group(1))) {
            throw new IllegalArgumentException("a port is a number up to " + PORT_MAX);
        }
    }

    private static boolean isPort(String digits) {
        return digits.length() >= 1
                && digits.length() <= String.valueOf(PORT_MAX).length()
                && Integer.parseInt(digits) <= PORT_MAX;
    }
}
