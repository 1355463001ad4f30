package io.tickmux;

import java.util.List;

/** The present state of a selection. */
public final class Snapshot {
    private final List<Quote> quotes;
    private final List<SourceStatus> sourceStatuses;
    private final List<String> unmatched;
    private final String resumeToken;
    private final List<Health> health;

    Snapshot(
            List<Quote> quotes,
            List<SourceStatus> sourceStatuses,
            List<String> unmatched,
            String resumeToken,
            List<Health> health) {
        this.quotes = List.copyOf(quotes);
        this.sourceStatuses = List.copyOf(sourceStatuses);
        this.unmatched = List.copyOf(unmatched);
        this.resumeToken = resumeToken;
        this.health = List.copyOf(health);
    }

    /**
     * The latest quote of each selected instrument that has one.
     *
     * @return ordered by source and symbol
     */
    public List<Quote> quotes() {
        return quotes;
    }

    /**
     * The health of the selected sources, when the first page was served.
     *
     * @return one for each slot of each source
     */
    public List<SourceStatus> sourceStatuses() {
        return sourceStatuses;
    }

    /**
     * The selected symbols that match no instrument now.
     *
     * @return as they were asked for
     */
    public List<String> unmatched() {
        return unmatched;
    }

    /**
     * Where a subscription to the same selection can go on; {@link Subscription#after} does it.
     *
     * @return empty if the server does not offer it
     */
    public String resumeToken() {
        return resumeToken;
    }

    /** What its quotes are asked about. */
    List<Health> health() {
        return health;
    }

    /** One line: how many quotes and sources it holds. */
    @Override
    public String toString() {
        return "Snapshot of " + quotes.size() + " quotes and " + sourceStatuses.size() + " source statuses";
    }
}
