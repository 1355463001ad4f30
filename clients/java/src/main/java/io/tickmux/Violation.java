package io.tickmux;

import java.io.Serializable;

/**
 * What is wrong with one field of a request.
 *
 * @param field the field's path in the request, such as {@code selection.sources[0]}
 * @param description what is wrong with it
 * @serial exclude
 */
public record Violation(String field, String description) implements Serializable {}
