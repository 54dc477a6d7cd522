"""Numbers in sentences."""


def plural(count: int, noun: str) -> str:
    """The number and the noun, as in "1 frame" and "2 frames"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def megabytes(count: int) -> str:
    """A number of bytes, as in "12 kB" and "3.4 MB"."""
    return f"{max(1, round(count / 1e3))} kB" if count < 999_500 else f"{count / 1e6:.1f} MB"
