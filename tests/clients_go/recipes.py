"""The recipes in Go of clients/README.md, as one program that runs the one that it is told to."""

import re
from typing import Final

from tests.client.test_readme import README

BLOCKS: Final = re.findall(r"```go\n(.*?)```", README.read_text(), re.DOTALL)
PROGRAMS: Final = [block for block in BLOCKS if block.startswith("package main\n")]
RECIPES: Final = [block for block in BLOCKS if not block.startswith("package main\n")]

PACKAGES: Final = (
    *("context", "encoding/json", "errors", "fmt", "io/fs", "log", "os", "os/signal", "syscall", "time"),
    "google.golang.org/protobuf/encoding/protojson",
    "github.com/tickmux/tickmux/clients/go/tickmux",
)
"""What an editor would import for the recipes and for MAIN."""

MAIN: Final = """\
func main() {
	ctx, end := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer end()
	client := tickmux.MustConnect(os.Args[2], tickmux.WithBackoffCap(20*time.Millisecond))
	defer client.Close()
	sell := func(quote *tickmux.Quote) { fmt.Println("sold at", quote) }
	var err error
	switch os.Args[1] {
	case "best":
		err = printBestBidAndOffer(ctx, client, "BTCUSDT")
	case "picture":
		err = showPicture(ctx, client)
	case "health":
		err = watchHealth(ctx, client)
	case "record":
		err = record(ctx, client, os.Args[3])
	case "alert":
		err = sellAt(ctx, client, "BTCUSDT", 100, sell)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}
"""


def program() -> str:
    """The source."""
    imports = "".join(f'\t"{path}"\n' for path in sorted(PACKAGES))
    return "\n".join([f"package main\n\nimport (\n{imports})\n", *RECIPES, MAIN])
