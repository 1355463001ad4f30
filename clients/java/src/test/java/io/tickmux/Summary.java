package io.tickmux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;

/** Events as lines: quotes as symbol, epoch/revision and whether there is a gap before. */
final class Summary {
    private Summary() {}

    static void expect(List<Event> events, String... lines) {
        assertEquals(List.of(lines), events.stream().map(Summary::line).toList());
    }

    static List<Quote> quotes(List<Event> events) {
        return events.stream().filter(Quote.class::isInstance).map(Quote.class::cast).toList();
    }

    static String line(Event event) {
        if (event instanceof Quote quote) {
            String gap = quote.gapBefore() ? "gap, " : "";
            return gap + quote.symbol() + " " + Long.toUnsignedString(quote.epoch()) + "/"
                    + Long.toUnsignedString(quote.revision());
        } else if (event instanceof Hole hole) {
            return "hole " + hole.symbol() + " " + hole.epoch() + "/" + hole.seenRevision() + ", not "
                    + hole.expectedRevision();
        } else if (event instanceof SourceChanged changed) {
            return changed.status().state().name();
        } else if (event instanceof CaughtUp) {
            return "caught up";
        } else if (event instanceof Conflated conflated) {
            return "conflated " + conflated.count();
        } else if (event instanceof Reset) {
            return "reset";
        } else if (event instanceof Reconnected back) {
            return back.resumed() ? "reconnected, resumed" : "reconnected";
        } else if (event instanceof Disconnected gone) {
            return "disconnected, " + gone.attempts() + " tries";
        } else if (event instanceof GoingAway) {
            return "going away";
        } else if (event instanceof Unmatched unmatched) {
            return "unmatched " + unmatched.symbols();
        }
        return event.toString();
    }
}
