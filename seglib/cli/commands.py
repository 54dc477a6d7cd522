"""The commands of ``python -m seglib`` that make files, list models, and copy weights and samples."""

import logging
import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path

from seglib._internal.atomic_files import AtomicFile
from seglib.classes import class_numbers, nearest_first
from seglib.cli.batch import BatchOptions, Outcome, run_here, run_on_cluster
from seglib.cli.paths import absolute, plan
from seglib.cli.plural import plural
from seglib.errors import SourceError, UsageError, WeightsUnavailable
from seglib.predict import MODELS, model_table
from seglib.predict.weights import embedded_weights, weights_file
from seglib.samples import DATA
from seglib.substitute import Background


def make_files(options: Namespace) -> int:
    """``blur``, ``substitute``, ``cutout`` and ``mask``: make every file; returns the exit code."""
    batch = _batch_options(options)
    tasks = plan(options.sources, options.target, batch, options.force)
    if options.skip_existing:
        tasks = [task for task in tasks if not task.dst.exists()]
    if options.scheduler:
        _check_scheduler(options.scheduler)
        stopped = "stopped; the workers finish the files that they have begun"
        outcomes = run_on_cluster(tasks, options.scheduler)
    else:
        stopped = "stopped; nothing unfinished was left behind"
        try:  # before the first file, so that an error is printed once
            batch.load_model()
        except WeightsUnavailable as error:
            _complain(str(error))
            return 1
        except ValueError as error:
            raise UsageError(str(error)) from None
        outcomes = run_here(tasks, progress=not options.quiet and sys.stderr.isatty())
    ended = failed = 0
    try:
        with closing(outcomes), _short_warnings():
            for outcome in outcomes:
                ended, failed = ended + 1, failed + bool(outcome.error)
                _tell(outcome, f"[{ended}/{len(tasks)}] " if len(tasks) > 1 else "", options.quiet)
    except KeyboardInterrupt as error:
        _complain(str(error) or stopped)
        if len(tasks) > 1:
            _complain(f"{ended - failed} of {plural(len(tasks), 'file')} done; --skip-existing goes on from there")
        return 130
    if failed and len(tasks) > 1:
        _complain(f"{failed} of {plural(len(tasks), 'file')} failed")
    return 1 if failed else 0


def list_models(options: Namespace) -> int:
    """``models``: print a table of the models."""
    rows = model_table()
    print(f"{'name':28}{'weights':>8}  {'classes':>7}  {'mIoU':>5}")
    for row in rows:
        quality = f"{row['miou']:.1f}" if row["miou"] else "-"
        print(f"{row['name']:28}{row['megabytes']:5.0f} MB  {row['classes']:7}  {quality:>5}")
    embedded = ", ".join(row["name"] for row in rows if row["source"] == "embedded")
    print(f"Included: {embedded}. The others are downloaded on first use, or by: python -m seglib fetch NAME")
    return 0


def fetch_weights(options: Namespace) -> int:
    """``fetch``: download the weights of models, and print their paths."""
    for name in options.names:
        _check_model(name)
    rows = {row["name"]: row for row in model_table()}
    failed = 0
    for name in options.names:
        try:
            row = rows[name]
            if row["source"] == "embedded":
                path = embedded_weights(name)
            else:
                path = weights_file(row["source"], progress=not options.quiet, megabytes=row["megabytes"])
            print(f"{name}: {path}")
        except WeightsUnavailable as error:
            failed += 1
            _complain(str(error))
    return 1 if failed else 0


def copy_samples(options: Namespace) -> int:
    """``samples``: copy the recorded frames, masks, clip and backgrounds, and the page that credits their authors."""
    failed = 0
    for source in sample_files():
        target, data = options.folder / source.name, source.read_bytes()
        if target.exists() and not options.force and target.read_bytes() != data:
            failed += 1
            _complain(f"{target} exists and is another file; --force replaces it")
            continue
        with AtomicFile(target) as file:
            file.part.write_bytes(data)
        if not options.quiet:
            print(f"wrote {target}")
    return 1 if failed else 0


def sample_files() -> list[Path]:
    """The sample files that come with seglib, without the models."""
    kinds = (".png", ".jpg", ".mp4", ".mkv")
    return sorted(path for path in DATA.iterdir() if path.suffix in kinds or path.name == "README.md")


def _batch_options(options: Namespace) -> BatchOptions:
    """The options of the command line, checked before the work starts."""
    _check_model(options.model)
    batch = BatchOptions(
        effect=options.command,
        sigma=getattr(options, "sigma", None),
        background=_background(getattr(options, "background", "black")),
        fit=getattr(options, "fit", "cover"),
        end=getattr(options, "end", "loop"),
        model=options.model,
        device=options.device,
        runtime=options.runtime,
        precision=options.precision,
        keep=tuple(name.strip() for name in options.keep.split(",")),
        crf=options.crf,
        codec=options.codec,
        steady=options.steady,
        keep_broken=options.keep_broken,
    )
    try:
        class_numbers(batch.keep, MODELS[batch.model].class_names)
        batch.make_effect()
    except (ValueError, SourceError) as error:
        raise UsageError(str(error)) from None
    return batch


def _check_scheduler(address: str) -> None:
    try:
        import_module("distributed.comm").get_address_host_port(address)
    except ImportError:
        raise UsageError('--scheduler needs Dask: python -m pip install -c constraints.txt -e ".[cluster]"') from None
    except ValueError as error:
        raise UsageError(f"--scheduler needs an address such as tcp://10.0.0.5:8786 ({error})") from None
    for name in ("distributed", "distributed.client", "tornado.application"):  # they print tracebacks on an interrupt
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _background(text: str) -> Background:
    """A picture or video file, a colour, or two colours with a comma between them."""
    path = absolute(text)
    if path.is_file() or path.suffix:
        return path
    colours = text.split(",")
    return (colours[0].strip(), colours[1].strip()) if len(colours) == 2 else text


def _check_model(name: str) -> None:
    if name not in MODELS:
        raise UsageError(f"unknown model {name!r}; known, nearest first: {', '.join(nearest_first(name, MODELS))}")


def _tell(outcome: Outcome, number: str, quiet: bool) -> None:
    if outcome.error:
        _complain(f"{number}{outcome.error}")
    elif not quiet:
        print(f"{number}wrote {outcome.done}", flush=True)


def _complain(message: str) -> None:
    print(f"seglib: {message}", file=sys.stderr, flush=True)


@contextmanager
def _short_warnings() -> Iterator[None]:
    """Print a warning as one line, without the source line that it comes from."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *place, **more: _complain(str(message))
        yield
