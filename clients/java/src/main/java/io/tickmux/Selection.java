package io.tickmux;

import java.util.ArrayList;
import java.util.List;

/**
 * Which instruments a call is about. Values of one kind are alternatives, kinds narrow each other, case does not
 * matter, and none means all. Immutable: each method gives a new selection.
 */
public final class Selection {
    private static final Selection ALL = new Selection(io.tickmux.v1.Selection.getDefaultInstance());

    private final io.tickmux.v1.Selection message;

    private Selection(io.tickmux.v1.Selection message) {
        this.message = message;
    }

    /**
     * Every instrument of every source but {@code consolidated}.
     *
     * @return what a selection begins with
     */
    public static Selection all() {
        return ALL;
    }

    /**
     * Canonical names, or patterns such as {@code BTC*}.
     *
     * @param symbols none means all
     * @return these, at any source
     */
    public static Selection of(String... symbols) {
        return ALL.symbols(symbols);
    }

    /**
     * Adds canonical names, or patterns such as {@code BTC*}.
     *
     * @param names added to those that are selected already
     * @return a new selection
     */
    public Selection symbols(String... names) {
        return new Selection(message.toBuilder().addAllSymbols(List.of(names)).build());
    }

    /**
     * Adds names of the server's sources.
     *
     * @param names such as {@code binance}
     * @return a new selection
     */
    public Selection sources(String... names) {
        return new Selection(message.toBuilder().addAllSources(List.of(names)).build());
    }

    /**
     * Adds listing exchanges.
     *
     * @param names such as {@code NASDAQ}
     * @return a new selection
     */
    public Selection exchanges(String... names) {
        return new Selection(message.toBuilder().addAllExchanges(List.of(names)).build());
    }

    /**
     * Adds asset classes.
     *
     * @param names {@code crypto}, {@code stock} or {@code fx}
     * @return a new selection
     */
    public Selection types(String... names) {
        return new Selection(message.toBuilder().addAllTypes(List.of(names)).build());
    }

    io.tickmux.v1.Selection message() {
        return message;
    }

    /** One line: what is selected. */
    @Override
    public String toString() {
        List<String> parts = new ArrayList<>();
        append(parts, "symbols", message.getSymbolsList());
        append(parts, "sources", message.getSourcesList());
        append(parts, "exchanges", message.getExchangesList());
        append(parts, "types", message.getTypesList());
        return parts.isEmpty() ? "everything" : String.join(" ", parts);
    }

    private static void append(List<String> parts, String kind, List<String> names) {
        if (!names.isEmpty()) {
            parts.add(kind + "=" + String.join(",", names));
        }
    }
}
