"""Numbers in sentences."""


def plural(count: int, noun: str) -> str:
    """The number and the noun, as in "1 frame" and "2 frames"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
