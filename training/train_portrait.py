"""Train the embedded ``portrait`` model: python training/train_portrait.py DATA --out RUN --start START.safetensors

DATA: a folder as training/README.md describes. RUN receives the checkpoint, the log, the curves and the exported
weights. The same command goes on from the last checkpoint; a larger --steps makes a longer run of it.
"""

import argparse
import math
import time
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import cv2
import together
import torch
from batches import Batches, stream
from checkpoint import Average, Stop, export, load, save
from data import open_photos, validation_photos
from evaluate import mean_iou
from logbook import Logbook
from losses import portrait_loss
from network import PortraitNet, load_weights
from recipe import Recipe
from speed import fast_depthwise
from torch import Tensor
from torch.optim import AdamW
from tqdm import tqdm

DECAY = 0.02  # of the weights, by AdamW
LARGEST_STEP = 5.0  # gradients are shortened to this length
SHARES = tuple(share.name for share in fields(Recipe))


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with images, masks and teacher")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run, outside the repository")
    parser.add_argument("--cache", type=Path, help="folder for the decoded photos; none: inside the run's")
    parser.add_argument("--labelled-only", action="store_true", help="leave out the photos that only the teacher knows")
    parser.add_argument("--unaligned", action="store_true", help="leave masks where they lie, beside the people")
    parser.add_argument("--start", type=Path, help="safetensors to begin with; none: random weights")
    parser.add_argument("--steps", type=int, default=20_000, help="length of the whole schedule")
    parser.add_argument("--minutes", type=float, help="end the schedule then, if the steps are not done before")
    parser.add_argument("--batch", type=int, default=16, help="pictures in a batch")
    parser.add_argument("--small-steps", type=int, default=0, help="steps at the start with pictures of 192 pixels")
    parser.add_argument("--rate", type=float, default=1e-3, help="largest learning rate; the started part gets half")
    parser.add_argument("--warmup", type=int, default=100, help="steps until the largest rate")
    parser.add_argument("--average", type=float, default=0.998, help="decay of the averaged weights")
    parser.add_argument("--doubt-from", type=float, default=0.5, help="share of the steps without doubt")
    parser.add_argument("--seed", type=int, default=1, help="of everything random")
    parser.add_argument("--processes", type=int, default=1, help="that learn together: 2 on two cores; 1 with a GPU")
    parser.add_argument("--workers", type=int, default=1, help="processes that make pictures, for each of those")
    parser.add_argument("--again", type=int, default=0, help="times to see each picture again, varied")
    parser.add_argument("--log-every", type=int, default=20, help="steps between rows of the log")
    parser.add_argument("--validate-every", type=int, default=200, help="steps between validations and exports")
    parser.add_argument("--validate-photos", type=int, default=25, help="photos of a validation during the run")
    parser.add_argument("--save-seconds", type=float, default=60, help="seconds between checkpoints")
    for name in SHARES:  # for ablations
        parser.add_argument(f"--{name}", type=float, default=getattr(Recipe, name), help="share, see recipe.Recipe")
    args = parser.parse_args()
    args.cache = args.cache or args.out / "cache"
    if args.minutes and args.processes > 1:
        parser.error("--minutes needs --processes 1: each process has a clock of its own")
    return args


@dataclass
class Run:
    """A training run: what it learns, with what, and how far it has come."""

    args: argparse.Namespace
    device: torch.device = field(default_factory=lambda: torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    step: int = 0
    seconds: float = 0.0  # spent in all sessions

    def __post_init__(self) -> None:
        torch.manual_seed(self.args.seed)
        self.network = PortraitNet()
        if self.args.start:
            missing = load_weights(self.network, self.args.start)
            print(f"{self.args.start.name}: {len(missing)} tensors of the network are not in it and start anew")
        self.network.to(self.device, memory_format=torch.channels_last).train()
        if self.device.type == "cpu":
            fast_depthwise(self.network)
        self.average = Average(self.network, self.args.average)
        self.optimizer = AdamW(self._groups(), lr=1.0, weight_decay=DECAY, fused=self.device.type == "cuda")
        self.file = self.args.out / "checkpoint.pt"
        if self.file.exists():
            self._resume(load(self.file, self.device))
        if together.share()[0] == 0:
            self.log = Logbook(self.args.out / "log.csv", self.step)

    def _groups(self) -> list[dict[str, Any]]:
        """The backbone moves at half the rate when it was trained before."""
        slow = list(self.network.backbone.parameters())
        known = {id(p) for p in slow}
        rest = [p for p in self.network.parameters() if id(p) not in known]
        return [{"params": slow, "share": 0.5 if self.args.start else 1.0}, {"params": rest, "share": 1.0}]

    def _resume(self, kept: dict[str, Any]) -> None:
        self.network.load_state_dict(kept["network"])
        self.average.state = kept["average"]
        self.optimizer.load_state_dict(kept["optimizer"])
        self.step, self.seconds = kept["step"], kept["seconds"]
        print(f"going on from step {self.step}")

    def keep(self) -> None:
        """Write the checkpoint. Pictures depend on seed and step only, so no generator has a state to keep."""
        state = {"network": self.network.state_dict(), "average": self.average.state}
        state |= {"optimizer": self.optimizer.state_dict(), "step": self.step, "seconds": self.seconds}
        save(self.file, state)

    def progress(self) -> float:
        """How much of the schedule is done, in [0, 1]: by the steps, or by the clock if that is further."""
        clock = self.seconds / (60 * self.args.minutes) if self.args.minutes else 0.0
        return min(1.0, max(self.step / self.args.steps, clock))

    def rate(self) -> float:
        """The learning rate of this step: a short rise, then half a cosine down to nothing."""
        rise = min(1.0, (self.step + 1) / self.args.warmup)
        return self.args.rate * rise * (0.5 + 0.5 * math.cos(math.pi * self.progress()))

    def learn(self, images: Tensor, target: Tensor, trust: Tensor, stop: bool) -> tuple[float, bool]:
        """Do one step; returns its loss and whether anyone wants to stop. A loss that is no number changes nothing.

        stop: whether this process wants to stop after the step.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate() * group["share"]
        with torch.autocast(self.device.type, torch.bfloat16):
            answers = self.network(images)
        loss = portrait_loss(answers, target, trust, self.progress() >= self.args.doubt_from)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        told = together.agree(self.network.parameters(), torch.stack([loss.detach(), loss.new_tensor(float(stop))]))
        length = torch.nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_STEP)
        if torch.isfinite(length):
            self.optimizer.step()
            self.average.update(self.network, self.step)
        self.step += 1
        return told[0].item(), told[1].item() > 0

    def note(self, losses: list[float]) -> float:
        """Write a row of the log, with the validation IoU when it is time for it; returns the mean loss."""
        args, loss = self.args, sum(losses) / len(losses)
        judged = self.step % args.validate_every == 0 or self.progress() == 1
        iou = self.validate() if judged else None
        self.log.add(self.step, self.seconds, self.rate(), loss, iou)
        if iou is not None:
            tqdm.write(f"step {self.step}: validation IoU {iou:.4f}")
            self.log.draw(args.out / "curves.png")
        return loss

    def validate(self) -> float:
        """Mean IoU of the averaged weights on the first validation photos; exports them too."""
        file = self.args.out / "portrait_latest.safetensors"
        export(file, self.average.state, self.step)
        network = PortraitNet().to(self.device)
        network.load_state_dict(self.average.state)
        return mean_iou(network, validation_photos(self.args.data)[: self.args.validate_photos], self.device)


def train(args: argparse.Namespace) -> None:
    """Go through the steps that are left; stop early on Ctrl-C or SIGTERM. Always leaves a checkpoint."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1 if not torch.cuda.is_available() and args.workers else torch.get_num_threads())
    run, stop, first = Run(args), Stop(), together.share()[0] == 0  # only the first process writes files
    photos = open_photos(args.data, args.cache, not args.unaligned)
    if args.labelled_only:
        photos.index = photos.index[photos.index["labelled"]]
    recipe = Recipe(**{name: getattr(args, name) for name in SHARES})
    source = Batches(photos, args.seed, args.batch, args.small_steps, recipe, together.share())
    batches = stream(source, run.step, args.steps, args.workers, run.device, args.again)
    bar = tqdm(batches, initial=run.step, total=args.steps, unit="step", smoothing=0.05, disable=not first)
    before = kept = time.monotonic()
    losses: list[float] = []
    for batch in bar:
        loss, stopping = run.learn(*batch, stop.wanted)
        losses.append(loss)
        now = time.monotonic()
        run.seconds, before = run.seconds + now - before, now
        last = stopping or run.progress() == 1
        if first and (run.step % args.log_every == 0 or last):
            bar.set_postfix(loss=f"{run.note(losses):.3f}", refresh=False)
            losses.clear()
        if first and (last or now - kept > args.save_seconds):
            run.keep()
            kept = time.monotonic()
        if last:
            break
    if first and run.progress() < 1:
        print(f"stopped after step {run.step}; the same command goes on from here")


def main() -> None:
    """Train, or go on training."""
    args = options()
    args.out.mkdir(parents=True, exist_ok=True)
    open_photos(args.data, args.cache, not args.unaligned)  # before there are several who would all decode them
    together.start(train, args.processes, args.out, args)


if __name__ == "__main__":
    main()
