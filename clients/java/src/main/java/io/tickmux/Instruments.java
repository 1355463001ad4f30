package io.tickmux;

import java.util.List;

/**
 * The instruments of a selection.
 *
 * @param instruments ordered by source and symbol
 * @param unmatched the selected symbols that match no instrument now
 */
public record Instruments(List<Instrument> instruments, List<String> unmatched) {
    /**
     * Keeps the lists as they are now.
     *
     * @param instruments ordered by source and symbol
     * @param unmatched the selected symbols that match no instrument now
     */
    public Instruments {
        instruments = List.copyOf(instruments);
        unmatched = List.copyOf(unmatched);
    }
}
