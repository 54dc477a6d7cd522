"""What was measured, in words and as a picture."""

import warnings
from pathlib import Path
from typing import Any

from seglib.cli.bench.walk import STAGES

Result = dict[str, Any]


def in_words(result: Result, article: Result | None) -> str:
    """The report: stages, rate, latency, start-up, memory, and how many times faster than the article's loop."""
    return "\n".join([*_walk_lines(result), *(_article_lines(result, article) if article else [])])


def times_faster(result: Result, article: Result) -> float:
    """How many frames seglib shows while the article's loop shows one."""
    return float(result["fps"] * article["frame_ms"] / 1000)


def write_image(path: Path, result: Result) -> None:
    """A bar chart of the stages, as the file's ending says."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from seglib.plots import bars

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that Agg shows nothing
        bars(_stages(result), unit="ms", title=f"{_what(result)}: {result['fps']:.0f} frames a second")
    plt.savefig(path, dpi=120)
    plt.close("all")


def _walk_lines(result: Result) -> list[str]:
    stages, latency = _stages(result), result["latency_ms"]
    whole = sum(stages.values())
    return [
        f"{_what(result)}, {result['frames']} frames of {result['source']}",
        "",
        f"{'stage':10}{'ms':>8}{'share':>8}",
        *(f"{name:10}{value:8.1f}{value / whole:8.0%}" for name, value in stages.items()),
        f"{'together':10}{whole:8.1f}",
        "",
        f"From the source to a JPEG: {result['fps']:.3g} frames a second with the stages side by side, "
        f"as Live and videos do it; {result['serial_fps']:.3g} one frame after the other.",
        f"Alone, a frame takes {latency['p50']:.1f} ms (median); 95 in 100 take at most {latency['p95']:.1f} ms, "
        f"99 at most {latency['p99']:.1f} ms.",
        f"Start: import seglib {result['import_seconds']:.2f} s, then {result['first_mask_seconds']:.2f} s to the "
        "first mask.",
        f"Memory: {_megabytes(result['peak_megabytes'])} at most.",
    ]


def _article_lines(result: Result, article: Result) -> list[str]:
    stages = ", ".join(f"{name} {value:.0f}" for name, value in article["stages_ms"].items())
    note = f" ({article['note']}, which take as long as trained ones)" if article["note"] else ""
    return [
        "",
        f"The article's loop with {article['model']}{note} on this machine:",
        f"{article['frame_ms']:.0f} ms a frame ({stages}), {1000 / article['frame_ms']:.2g} frames a second.",
        f"This is {times_faster(result, article):.3g} times as fast.",
    ]


def _what(result: Result) -> str:
    width, height = result["size"]
    note = f" with {result['note']}" if result["note"] else ""
    how = f"{result['runtime']}, {result['precision']}, {result['device']}"
    return f"{result['model']}{note} ({how}), {width} × {height}, {result['effect']}"


def _stages(result: Result) -> dict[str, float]:
    return {name: result["stages_ms"][name] for name in STAGES}


def _megabytes(value: float | None) -> str:
    return "unknown here" if value is None else f"{value:.0f} MB"
