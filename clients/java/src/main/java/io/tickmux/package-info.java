/**
 * The Java client of Tickmux: normalised market data of many venues in one stream.
 *
 * <p>It does what a careful consumer would otherwise write by hand. It reconnects and goes on where it stood, checks
 * that nothing is missing, and says of every quote whether it can be taken for the present.
 *
 * <pre>{@code
 * try (var client = TickmuxClient.connect("localhost:50051");
 *         var quotes = client.quotes(Subscription.of("BTCUSDT"))) {
 *     for (Quote quote : quotes) {
 *         System.out.println(quote);
 *     }
 * }
 * }</pre>
 *
 * <p>{@link io.tickmux.TickmuxClient#quotes} yields quotes alone, {@link io.tickmux.TickmuxClient#subscribe} everything
 * that happens, as an {@link io.tickmux.Event}, and {@link io.tickmux.TickmuxClient#publisher} the same to a subscriber
 * that says how much it wants. All of them go on for ever, over reconnects, until the stream or the client is closed,
 * or an error comes that trying again cannot heal: a {@link io.tickmux.TickmuxException}.
 */
package io.tickmux;
