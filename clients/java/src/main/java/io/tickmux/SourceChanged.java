package io.tickmux;

/**
 * A source's health is news: another state, epoch, or error.
 *
 * @param status how it is now
 */
public record SourceChanged(SourceStatus status) implements Event {}
