"""A clock that a test moves by hand."""

NS_PER_S = 1_000_000_000


class ManualClock:
    """Both clocks stand still until the test says otherwise."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * NS_PER_S

    def wall_ns(self) -> int:
        return self.now_ns

    def monotonic_ns(self) -> int:
        return self.now_ns

    def forward(self, seconds: float) -> None:
        self.now_ns += int(seconds * NS_PER_S)
