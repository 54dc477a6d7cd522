"""The mean of the weights of several runs: python training/mix.py A.safetensors B.safetensors … --out MEAN.safetensors

Runs that began with the same weights end near each other, each with mistakes of its own, and what lies between them is
often better than any of them. A file that is named twice counts twice.
Source: Wortsman et al., "Model soups", ICML 2022.
"""

import argparse
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor


def mean_of(weights: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of every tensor, in its own dtype. Raises ValueError if the files are not of one network."""
    first = {name: tensor.shape for name, tensor in weights[0].items()}
    if any({name: tensor.shape for name, tensor in other.items()} != first for other in weights):
        raise ValueError("these weights belong to different networks")
    means = {name: torch.stack([part[name].double() for part in weights]).mean(0) for name in first}
    return {name: mean.to(weights[0][name].dtype) for name, mean in means.items()}


def main() -> None:
    """Read the files, write their mean, with what the first says about itself but for its step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+", help="safetensors of one network")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    with safe_open(args.weights[0], "pt") as file:
        about = {name: text for name, text in (file.metadata() or {}).items() if name != "step"}
    save_file(mean_of([load_file(path) for path in args.weights]), args.out, about)


if __name__ == "__main__":
    main()
