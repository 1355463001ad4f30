package io.tickmux;

/**
 * The chain is broken: updates were, or may have been, lost. The full state follows, up to {@link CaughtUp}.
 *
 * @param reason why, in one line
 */
public record Reset(String reason) implements Event {}
