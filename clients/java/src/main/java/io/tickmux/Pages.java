package io.tickmux;

import io.tickmux.v1.GetSnapshotResponse;
import io.tickmux.v1.ListInstrumentsResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Follows the pages of the lists that the server answers. */
final class Pages {
    private static final int PAGES_MAX = 1000;

    private Pages() {}

    /**
     * Asks for page after page until the last.
     *
     * @param ask gives the page of a token; the first has none
     * @param nextToken the token of the page after a page; the last has none
     * @throws UnavailableException the server never stops handing out pages
     */
    static <P> List<P> all(Function<String, P> ask, Function<P, String> nextToken) {
        List<P> pages = new ArrayList<>();
        String token = "";
        while (true) {
            P page = ask.apply(token);
            pages.add(page);
            String next = nextToken.apply(page);
            if (next.isEmpty()) {
                return pages;
            }
            if (next.equals(token) || pages.size() >= PAGES_MAX) {
                String message = "the server does not end its list after " + pages.size() + " pages";
                throw Failure.of(Failure.Kind.UNAVAILABLE, "INTERNAL", "", message).exception();
            }
            token = next;
        }
    }

    /** Everything that the pages say. */
    static Snapshot snapshot(List<GetSnapshotResponse> pages) {
        GetSnapshotResponse first = pages.get(0);
        // The statuses are those of the first page; what a later page flags is not known to be the present.
        Health told = Health.of(first.getSourceStatusesList());
        Health unknown = new Health();
        List<Quote> quotes = new ArrayList<>();
        for (GetSnapshotResponse page : pages) {
            for (io.tickmux.v1.Quote message : page.getQuotesList()) {
                boolean isFlagged = message.getFlagsList().contains(io.tickmux.v1.QuoteFlag.QUOTE_FLAG_STALE);
                quotes.add(new Quote(message, isFlagged ? unknown : told, false));
            }
        }
        return new Snapshot(
                quotes,
                statuses(first.getSourceStatusesList()),
                first.getUnmatchedList(),
                pages.get(pages.size() - 1).getResumeToken(),
                List.of(told, unknown));
    }

    /** Everything that the pages say. */
    static Instruments instruments(List<ListInstrumentsResponse> pages) {
        List<Instrument> listed = new ArrayList<>();
        for (ListInstrumentsResponse page : pages) {
            for (io.tickmux.v1.Instrument message : page.getInstrumentsList()) {
                listed.add(new Instrument(message));
            }
        }
        return new Instruments(listed, pages.get(0).getUnmatchedList());
    }

    static List<SourceStatus> statuses(List<io.tickmux.v1.SourceStatus> messages) {
        return messages.stream().map(SourceStatus::new).toList();
    }
}
