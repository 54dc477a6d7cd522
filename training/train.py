"""Train an embedded network: python -m training.train portrait DATA --run RUN

RUN receives checkpoint.pt, log.csv, curves.png and, at each validation, NAME.safetensors, the averaged weights as
16-bit floats. The same command resumes. ``--install`` copies the finished run's weights into the package.
"""

import argparse
import csv
import math
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from training.compose import Sources
from training.package import MEAN, STD
from training.tasks import Task

SAVE_EVERY = 60.0  # seconds between checkpoints
LOG_EVERY = 20  # steps between rows of the log
VALIDATE_EVERY = 400  # steps between validations
Batch = tuple[Tensor, Tensor, Tensor]


class Batches(Dataset[Batch]):
    """Batch number n is a function of the recipe's seed and n."""

    def __init__(self, task: Task, sources: Sources) -> None:
        self.task, self.sources = task, sources

    def __getitem__(self, number: int) -> Batch:
        """Pictures (N, H, W, 3), targets and trusts (N, H, W), all uint8."""
        cv2.setNumThreads(1)
        recipe = self.task.recipe
        rng = np.random.default_rng((recipe.seed, number))
        stage, step = recipe.stage(number)
        shapes = recipe.small_shapes if step < stage.small_steps else recipe.shapes
        shape = shapes[rng.integers(len(shapes))]
        pictures = [self.task.picture(rng, self.sources, shape, number) for _ in range(recipe.batch)]
        images, targets, trusts = (torch.from_numpy(np.stack(part)) for part in zip(*pictures, strict=True))
        return images, targets, trusts


class Run:
    """A training run: the network, its averaged weights, and how far it has come."""

    def __init__(self, task: Task, folder: Path, device: torch.device) -> None:
        self.task, self.folder, self.device = task, folder, device
        self.step, self.seconds = 0, 0.0
        torch.manual_seed(task.recipe.seed)
        self.network = task.package.build()
        started = task.start(self.network)
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        known = {id(parameter) for parameter in started}
        fresh = [parameter for parameter in self.network.parameters() if id(parameter) not in known]
        self.groups = [{"params": started, "share": task.recipe.start_rate}, {"params": fresh, "share": 1.0}]
        self.optimizer = self.new_optimizer()
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.began: dict[str, Tensor] = {}  # the averaged weights at the last restart
        self.checkpoint = folder / "checkpoint.pt"
        if self.checkpoint.exists():
            kept = torch.load(self.checkpoint, map_location=device, weights_only=True)
            self.network.load_state_dict(kept["network"])
            self.optimizer.load_state_dict(kept["optimizer"])
            self.average, self.step, self.seconds = kept["average"], kept["step"], kept["seconds"]
            self.began = kept["began"]
            print(f"resuming after step {self.step}")

    def new_optimizer(self) -> torch.optim.AdamW:
        """An optimiser that knows nothing of earlier steps."""
        return torch.optim.AdamW([dict(group) for group in self.groups], weight_decay=self.task.recipe.decay)

    def save(self) -> None:
        """Write the checkpoint; a crash leaves the old one or the new one."""
        state: dict[str, Any] = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        state |= {"average": self.average, "began": self.began, "step": self.step, "seconds": self.seconds}
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, self.checkpoint)

    def rate(self) -> float:
        """The learning rate of this step: a short rise, a part of half a cosine, a linear fall to nothing."""
        stage, step = self.task.recipe.stage(self.step)
        ends = min(1.0, (step + 1) / stage.warmup, (stage.steps - step) / stage.cooldown)
        return self.task.recipe.rate * ends * (0.5 + 0.5 * math.cos(math.pi * step / stage.horizon))

    def learn(self, batch: Batch, weights: Tensor) -> float:
        """One optimiser step; returns the loss. A gradient that is not finite changes nothing."""
        images, target, trust = (part.to(self.device, non_blocking=True) for part in batch)
        stage, step = self.task.recipe.stage(self.step)
        if stage.restart and step == 0:
            self.network.load_state_dict(self.average)
            self.began = {name: value.clone() for name, value in self.average.items()}
            self.optimizer = self.new_optimizer()
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate() * group["share"]
        self.network.train()
        if stage.frozen:
            for block in list(self.network.get_submodule("backbone").children())[: stage.frozen]:
                block.eval().requires_grad_(False)
        torch.manual_seed(self.task.recipe.seed + self.step)  # of dropout, also in a run that was resumed
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            outputs = self.network(normalised(images))
        loss = self.task.loss(outputs, target, trust, weights, self.step)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        length = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.task.recipe.clip)
        if torch.isfinite(length):
            self.optimizer.step()
            self._follow()
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged weights towards the network's; faster at the start, when the past is worth little."""
        share = 1 - min(self.task.recipe.average, (1 + self.step) / (10 + self.step))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, share)
            else:
                self.average[name].copy_(value)

    def export(self, weights: Tensor) -> nn.Module:
        """Write the averaged weights as the package reads them; returns the network that has them, as exported."""
        blend = self.task.recipe.stage(self.step - 1)[0].blend
        average = self.average | {
            name: torch.lerp(self.average[name], value, blend)
            for name, value in self.began.items()
            if value.is_floating_point()
        }
        average = self.task.adjusted(average, weights)
        state = {
            name: value.to("cpu", torch.float16).contiguous()
            for name, value in average.items()
            if not name.endswith("num_batches_tracked")
        }
        path = self.folder / f"{self.task.name}.safetensors"
        save_file(state, path.with_suffix(".part"), metadata={"step": str(self.step)})
        os.replace(path.with_suffix(".part"), path)
        network = self.task.package.build()
        network.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
        return network.to(self.device).eval()


def normalised(images: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32 with ImageNet's mean and standard deviation, channels last."""
    mean, std = (torch.tensor(values, device=images.device) * 255 for values in (MEAN, STD))
    return ((images.float() - mean) / std).permute(0, 3, 1, 2)


class Log:
    """Rows of step, seconds, rate, loss and scores in log.csv, drawn to curves.png."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "log.csv"
        self.rows: list[dict[str, str]] = []
        if self.path.exists():
            with self.path.open(newline="") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]

    def add(self, row: dict[str, float]) -> None:
        """Append a row, and write the file."""
        self.rows.append({name: f"{value:.6g}" for name, value in row.items()})
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows)

    def draw(self) -> None:
        """Draw the loss and the scores over the steps."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 6), layout="constrained")
        axes = figure.subplots(2, 1, sharex=True)
        for name in dict.fromkeys(name for row in self.rows for name in row if name not in ("step", "seconds", "rate")):
            known = [(int(row["step"]), float(row[name])) for row in self.rows if row.get(name)]
            axes[int(name != "loss")].plot(*zip(*known, strict=True), label=name)
        axes[0].set(ylabel="loss", yscale="log")
        axes[1].set(xlabel="step", ylabel="mean IoU")
        axes[1].legend()
        figure.savefig(self.path.with_name("curves.png"), dpi=100)


@contextmanager
def collected_signals() -> Iterator[list[int]]:
    """Within the block, SIGINT and SIGTERM do not end the process, but are added to the list."""
    stops: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    former = {number: signal.signal(number, lambda received, frame: stops.append(received)) for number in numbers}
    try:
        yield stops
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def train(task: Task, folder: Path, device: torch.device, workers: int, stops: list[int]) -> bool:
    """Go through the steps that are left; returns whether the run is finished. Always leaves a checkpoint.

    The run stops after the step during which something is added to ``stops``.
    """
    run = Run(task, folder, device)
    log, sources = Log(folder, run.step), task.sources()
    weights = task.class_weights(sources).to(device)
    order = range(run.step, task.recipe.steps)
    loader = DataLoader(Batches(task, sources), None, sampler=order, num_workers=workers)
    bar = tqdm(loader, initial=run.step, total=task.recipe.steps, unit="step", mininterval=5)
    before = saved = time.monotonic()
    losses: list[float] = []
    for batch in bar:
        losses.append(run.learn(batch, weights))
        now = time.monotonic()
        run.seconds, before = run.seconds + now - before, now
        done = run.step == task.recipe.steps
        judged = done or run.step % VALIDATE_EVERY == 0
        if judged or run.step % LOG_EVERY == 0:
            row = {"step": run.step, "seconds": run.seconds, "rate": run.rate(), "loss": float(np.mean(losses))}
            scores = task.validate(run.export(weights)) if judged else {}
            log.add(row | {f"validation {name}": score for name, score in scores.items()})
            bar.set_postfix({"loss": row["loss"], **scores}, refresh=False)
            losses.clear()
        if done or stops or now - saved > SAVE_EVERY:
            run.save()
            saved = now
        if stops:
            print(f"stopped after step {run.step}; the same command resumes")
            return False
    run.export(weights)
    log.draw()
    return True


def main() -> None:
    """Train, or go on training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=("portrait", "clothing"))
    parser.add_argument("data", type=Path, help="folder as README.md describes it")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run, outside the repository")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=1, help="processes that make pictures")
    parser.add_argument("--threads", type=int, default=1, help="of the network on a CPU; clothing gains from two")
    parser.add_argument("--install", action="store_true", help="copy the finished run's weights into the package")
    args = parser.parse_args()
    args.run.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)  # a forked worker would wait for OpenCV's threads, which it does not have
    if args.device == "cpu" and args.workers:
        torch.set_num_threads(args.threads)
    task = Task(args.network, args.data)
    with collected_signals() as stops:
        finished = train(task, args.run, torch.device(args.device), args.workers, stops)
    if finished and args.install:
        shutil.copyfile(args.run / f"{task.name}.safetensors", task.package.weights)


if __name__ == "__main__":
    main()
