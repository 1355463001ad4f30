package io.tickmux;

import java.util.List;

/**
 * Selected symbols that match no instrument yet; they are streamed when they appear.
 *
 * @param symbols the symbols, as they were asked for
 */
public record Unmatched(List<String> symbols) implements Event {
    /**
     * Keeps the list as it is now.
     *
     * @param symbols the symbols, as they were asked for
     */
    public Unmatched {
        symbols = List.copyOf(symbols);
    }
}
