"""Image arithmetic in blocks of rows, so that intermediate results stay in the processor's cache."""

from collections.abc import Iterator


def row_blocks(height: int, rows: int = 32) -> Iterator[slice]:
    """Yield slices that cover ``height`` rows, at most ``rows`` at a time."""
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
