package io.tickmux;

/**
 * The server ends the stream in an orderly way, as it does when it stops and when a stream has lived for long.
 *
 * <p>The client connects anew at the time that the server gave it, within seconds. Every quote is stale from the end of
 * the stream on; {@link Reconnected} says that it is back, and {@link Disconnected} comes only if the first try fails.
 */
public record GoingAway() implements Event {}
