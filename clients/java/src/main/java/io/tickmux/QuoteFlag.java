package io.tickmux;

import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** A property of a quote to weigh before acting on it. */
public enum QuoteFlag {
    /** The source publishes with a delay by contract, such as 15 minutes. */
    DELAYED(io.tickmux.v1.QuoteFlag.QUOTE_FLAG_DELAYED),
    /** A reference only, as the source has no tradable bid and ask. */
    INDICATIVE(io.tickmux.v1.QuoteFlag.QUOTE_FLAG_INDICATIVE),
    /** Trading is halted at the venue. */
    HALTED(io.tickmux.v1.QuoteFlag.QUOTE_FLAG_HALTED),
    /** The source is a simulation, not the venue. */
    SIMULATED(io.tickmux.v1.QuoteFlag.QUOTE_FLAG_SIMULATED),
    /** Served as state while its feed was not alive. Ask {@link Quote#isStale} for how things stand now. */
    STALE(io.tickmux.v1.QuoteFlag.QUOTE_FLAG_STALE);

    private final io.tickmux.v1.QuoteFlag inContract;

    QuoteFlag(io.tickmux.v1.QuoteFlag inContract) {
        this.inContract = inContract;
    }

    /** Those of them that this version knows. */
    static Set<QuoteFlag> of(List<io.tickmux.v1.QuoteFlag> given) {
        if (given.isEmpty()) {
            return Set.of();
        }
        Set<QuoteFlag> flags = EnumSet.noneOf(QuoteFlag.class);
        for (QuoteFlag flag : values()) {
            if (given.contains(flag.inContract)) {
                flags.add(flag);
            }
        }
        return Collections.unmodifiableSet(flags);
    }
}
