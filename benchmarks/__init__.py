"""Figures of Tickmux on the machine at hand: `python -m benchmarks` prints them. Nothing here is a test.

Every figure is taken several times, in turn with what it is compared to, because machines are shared and noisy: ratios
are of neighbours in time, medians are over the repeats, and the minimum says what an undisturbed run costs.
"""
