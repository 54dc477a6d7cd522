"""What each ingredient brings: python training/ablate.py DATA --out FOLDER --start START.safetensors

Trains once with everything, once more with another seed, which tells how much is chance, and once without each
ingredient, all for the same number of steps. Then judges them as the package runs them and prints a table. Other
options go to train_portrait.py. The same command goes on where it was stopped.
"""

import argparse
import subprocess
import sys
from math import nan
from pathlib import Path

import torch
from evaluate import judge, load_network, package_model

TRAIN = Path(__file__).with_name("train_portrait.py")
RUNS = {
    "everything": [],
    "everything, another seed": ["--seed", "2"],
    "no close people": ["--close", "0"],
    "no people far away": ["--far", "0"],
    "no photos as they were taken": ["--taken", "0"],
    "nobody pasted over other backgrounds": ["--pasted", "0"],
    "no drawn backgrounds": ["--drawn", "0"],
    "no rooms of photographed surfaces": ["--surfaced", "0"],
    "no odd shapes": ["--cluttered", "0"],
    "no photographed things": ["--objects", "0"],
    "no other clothes": ["--dressed", "0"],
    "no rims": ["--rimmed", "0"],
    "nothing in the colours of clothes": ["--alike", "0"],
    "no faults of a camera": ["--good", "1"],
    "masks where they lie": ["--unaligned"],
    "labelled photos only": ["--labelled-only"],
}
FIGURES = (
    *("validation iou", "validation outline", "dev iou", "dev extra", "dev outline"),
    *("samples iou", "clip iou", "clip flicker"),
)


def figures(args: argparse.Namespace, options: list[str], out: Path) -> list[float]:
    """Train one of them to its end, unless it is there already, and judge it."""
    command = [sys.executable, str(TRAIN), str(args.data), "--out", str(out), "--cache", str(args.out / "cache")]
    command += ["--start", str(args.start)] if args.start else []
    command += ["--steps", str(args.steps), "--small-steps", str(args.steps)]
    subprocess.run([*command, *options], check=True)
    model = package_model(load_network(out / "portrait_latest.safetensors"), torch.device("cpu"))
    judged = judge(lambda name, picture: model.mask(picture), args.data)
    return [judged.get(figure, nan) for figure in FIGURES]


def main() -> None:
    """Go through all of them; a row is printed as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder for a run each")
    parser.add_argument("--start", type=Path, help="safetensors that all begin with; none: random weights")
    parser.add_argument("--steps", type=int, default=300, help="of each run, all with small pictures")
    args, more = parser.parse_known_args()
    print("| |", " | ".join(FIGURES), "|\n|---|" + "---:|" * len(FIGURES), flush=True)
    for name, switches in RUNS.items():
        row = figures(args, [*more, *switches], args.out / name.replace(" ", "_").replace(",", ""))
        print(f"| {name} |", " | ".join(f"{figure:.4f}" for figure in row), "|", flush=True)


if __name__ == "__main__":
    main()
