package io.tickmux;

/** The opening state is complete, or the missed updates are: what follows is live. */
public record CaughtUp() implements Event {}
