"""The result of the bench as text and as a chart."""

import warnings
from pathlib import Path
from typing import Any

from seglib.cli.bench.measure import STAGES
from seglib.cli.plural import plural

Result = dict[str, Any]


def to_text(result: Result, article: Result | None) -> str:
    """Stages, frame rate, latency, start-up and memory, and how many times as fast as the article's loop."""
    return "\n".join([*_result_lines(result), *(_article_lines(result, article) if article else [])])


def times_faster(result: Result, article: Result) -> float:
    """How many frames seglib shows while the article's loop shows one."""
    return float(result["fps"] * article["frame_ms"] / 1000)


def write_chart(path: Path, result: Result) -> None:
    """Write a bar chart of the stages; the extension decides the format."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from seglib.plots import bars

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that Agg shows nothing
        bars(_stages(result), unit="ms", title=f"{_headline(result)}: {result['fps']:.0f} frames per second")
    plt.savefig(path, dpi=120)
    plt.close("all")


def _result_lines(result: Result) -> list[str]:
    stages, latency = _stages(result), result["latency_ms"]
    total = sum(stages.values())
    return [
        f"{_headline(result)}, {plural(result['frames'], 'frame')} of {result['source']}",
        "",
        f"{'stage':10}{'ms':>8}{'share':>8}",
        *(f"{name:10}{value:8.1f}{value / total:8.0%}" for name, value in stages.items()),
        f"{'together':10}{total:8.1f}",
        "",
        f"From the source to a JPEG: {result['fps']:.3g} frames per second with the stages overlapped, "
        f"as Live and videos do it; {result['serial_fps']:.3g} one frame after the other.",
        f"Latency of a frame: median {latency['p50']:.1f} ms, 95th percentile {latency['p95']:.1f} ms, "
        f"99th {latency['p99']:.1f} ms.",
        f"Start: import seglib {result['import_seconds']:.2f} s, then {result['first_mask_seconds']:.2f} s to the "
        "first mask.",
        f"Peak memory: {_megabytes(result['peak_megabytes'])}.",
    ]


def _article_lines(result: Result, article: Result) -> list[str]:
    stages = ", ".join(f"{name} {value:.0f}" for name, value in article["stages_ms"].items())
    note = f" ({article['note']}, which take as long as trained ones)" if article["note"] else ""
    return [
        "",
        f"The article's loop with {article['model']}{note} on this machine:",
        f"{article['frame_ms']:.0f} ms per frame ({stages}), {1000 / article['frame_ms']:.2g} frames per second.",
        f"seglib is {times_faster(result, article):.3g} times as fast.",
    ]


def _headline(result: Result) -> str:
    width, height = result["size"]
    note = f" with {result['note']}" if result["note"] else ""
    how = f"{result['runtime']}, {result['precision']}, {result['device']}"
    return f"{result['model']}{note} ({how}), {width} × {height}, {result['effect']}"


def _stages(result: Result) -> dict[str, float]:
    return {name: result["stages_ms"][name] for name in STAGES}


def _megabytes(value: float | None) -> str:
    return "unknown on this system" if value is None else f"{value:.0f} MB"
