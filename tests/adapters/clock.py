"""A clock that a test moves by hand."""

NS_PER_S = 1_000_000_000


class ManualClock:
    """Both clocks stand still until the test says otherwise."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * NS_PER_S
        self._wall_ahead_ns = 0

    def wall_ns(self) -> int:
        return self.now_ns + self._wall_ahead_ns

    def monotonic_ns(self) -> int:
        return self.now_ns

    def forward(self, seconds: float) -> None:
        self.now_ns += int(seconds * NS_PER_S)

    def jump(self, seconds: float) -> None:
        """Set the wall clock alone, as an administrator does."""
        self._wall_ahead_ns += int(seconds * NS_PER_S)
