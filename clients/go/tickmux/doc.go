// Package tickmux is the Go client of Tickmux: normalised market data of many venues in one stream.
//
// It does what a careful consumer would otherwise write by hand. It reconnects and goes on where it stood, checks that
// nothing is missing, and says of every quote whether it can be taken for the present.
//
//	client := tickmux.MustConnect("127.0.0.1:50051")
//	for quote, err := range client.Quotes(ctx, tickmux.Symbols("BTCUSDT")) {
//		…
//	}
//
// [Client.Quotes] yields quotes alone. [Client.Subscribe] yields everything that happens, as an [Event]. Both go on for
// ever, over reconnects, until the loop is left, the context ends, the client is closed, or an error comes that trying
// again cannot heal. Such an error is an [*Error] and the last thing that a loop sees. A program that goes on after its
// own restart has [Track] keep a [Position].
package tickmux
