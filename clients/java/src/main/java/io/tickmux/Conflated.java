package io.tickmux;

/**
 * Updates were passed over: reading was too slow for the kept history, or the delivery is {@link Delivery#LATEST}.
 *
 * @param count how many updates of the selection, since the previous message of the server; an unsigned 64-bit number
 */
public record Conflated(long count) implements Event {}
