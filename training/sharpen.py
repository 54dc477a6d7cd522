"""From how likely to how opaque: python training/sharpen.py WEIGHTS.safetensors --times 2.5 --out SHARP.safetensors

Cross-entropy teaches a network to say how likely a pixel is to be a person. Labels are unsure by a pixel or two, so
that is soft over some pixels at every outline. But a mask says how opaque somebody is, and people end within a pixel.
All scores times one number change no decision at one half, and make the mask as sharp as people are. evaluate.py tells
which number leaves the least error. Training goes on from the weights before this.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from network import SCORES
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor


def sharper(weights: Mapping[str, Tensor], times: float) -> dict[str, Tensor]:
    """The weights of a network whose scores are so many times as large, in their own dtypes."""
    return {name: tensor * times if name.startswith(SCORES) else tensor for name, tensor in weights.items()}


def main() -> None:
    """Read the file, write the other, which says how many times sharper it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="safetensors of this network")
    parser.add_argument("--times", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    with safe_open(args.weights, "pt") as file:
        about = file.metadata() or {}
    times = float(about.get("sharpened", 1)) * args.times
    save_file(sharper(load_file(args.weights), args.times), args.out, about | {"sharpened": f"{times:g}"})


if __name__ == "__main__":
    main()
