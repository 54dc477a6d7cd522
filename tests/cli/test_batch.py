"""Many files: on this machine, and on a Dask cluster whose workers may die."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import av
import numpy as np
import pytest
from films import Tone, make_film

import seglib
from seglib.__main__ import main
from seglib.cli import batch
from seglib.cli.batch import BatchOptions, Task, attempt, make_file, outcome_of, run_here, run_on_cluster

HEX = "0123456789abcdef" * 2
FRAMES = 20
T = TypeVar("T")


def count(path: Path) -> int:
    """How many frames a video holds, every one of them decoded."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def listing(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


# ---- options and tasks -------------------------------------------------------------------------------------


def test_options_make_the_effect_that_they_name(tmp_path: Path) -> None:
    frame, mask = seglib.sample_frame(), seglib.sample_mask()
    seglib.write_image(tmp_path / "sea.png", seglib.sample_background("beach"))
    sea = BatchOptions("substitute", background=tmp_path / "sea.png", fit="stretch")
    expected = seglib.replace_background(frame, mask, seglib.sample_background("beach"), "stretch")
    np.testing.assert_array_equal(sea.make_effect()(frame, mask), expected)
    shown = BatchOptions("mask").make_effect()(frame, mask)
    np.testing.assert_array_equal(shown, np.stack([np.rint(mask * 255)] * 3, axis=-1))
    with pytest.raises(seglib.SourceError, match=r"none\.png"):
        BatchOptions("substitute", background=tmp_path / "none.png").make_effect()


def test_a_task_is_small_enough_to_be_sent_around(tmp_path: Path) -> None:
    seglib.write_image(tmp_path / "sea.png", seglib.sample_background("beach"))
    task = Task(tmp_path / "a.mp4", tmp_path / "b.mp4", BatchOptions("substitute", background=tmp_path / "sea.png"))
    data = pickle.dumps((attempt, task))
    assert len(data) < 2000
    assert pickle.loads(data)[1] == task


# ---- on this machine ---------------------------------------------------------------------------------------


def test_outcomes_come_one_by_one_in_order(tmp_path: Path) -> None:
    make_film(tmp_path / "a.mp4", count=4, tones=[Tone(seconds=0.1)])
    (tmp_path / "b.mp4").write_bytes(b"no video")
    seglib.write_image(tmp_path / "c.png", seglib.sample_frame())
    tasks = [Task(tmp_path / name, tmp_path / "out" / name, BatchOptions()) for name in ("a.mp4", "b.mp4", "c.png")]
    outcomes = run_here(tasks, progress=False)
    first = next(outcomes)
    assert first.done.startswith(f"{tmp_path / 'out' / 'a.mp4'}: 4 frames, 0.1 s, sound copied, ")
    assert listing(tmp_path / "out") == ["a.mp4"], "the next one has not begun"
    second, third = outcomes
    assert (second.task, second.done) == (tasks[1], "")
    assert "b.mp4" in second.error
    assert (third.task, third.error) == (tasks[2], "")
    assert third.done.startswith(f"{tmp_path / 'out' / 'c.png'}: 640 × 480, ")
    assert listing(tmp_path / "out") == ["a.mp4", "c.png"]


def test_a_picture_is_made_by_the_pipeline_without_smoothing(tmp_path: Path) -> None:
    seglib.write_image(tmp_path / "a.png", seglib.sample_frame())
    make_file(Task(tmp_path / "a.png", tmp_path / "b.png", BatchOptions()))
    expected = seglib.Pipeline(steady=False, effect=seglib.Blur())(seglib.sample_frame()).output
    np.testing.assert_array_equal(seglib.read_image(tmp_path / "b.png"), expected)


def test_the_model_is_loaded_once_for_the_same_options(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[tuple[str, object]] = []
    monkeypatch.setattr(
        "seglib.predict.load_model", lambda name, **how: loaded.append((name, how["precision"])) or object()
    )
    first = BatchOptions(model="a model").load_model()
    assert BatchOptions("mask", model="a model").load_model() is first
    assert BatchOptions(model="a model", precision="half").load_model() is not first
    assert loaded == [("a model", None), ("a model", "half")]


def test_a_damaged_end_is_told(tmp_path: Path) -> None:
    whole = make_film(tmp_path / "a.mkv", count=30).read_bytes()
    (tmp_path / "a.mkv").write_bytes(whole[: len(whole) // 2])
    (refused,) = run_here([Task(tmp_path / "a.mkv", tmp_path / "b.mp4", BatchOptions())], progress=False)
    assert "a.mkv" in refused.error
    assert listing(tmp_path) == ["a.mkv"]
    kept = attempt(Task(tmp_path / "a.mkv", tmp_path / "b.mp4", BatchOptions(keep_broken=True)))
    assert kept.error == ""
    assert "damaged" in kept.done
    assert 0 < count(tmp_path / "b.mp4") < 30


def test_what_a_killed_process_left_of_the_same_file_is_removed(tmp_path: Path) -> None:
    name = "x" * 150  # longer than what a hidden name keeps of it
    make_film(tmp_path / f"{name}.mp4", count=3)
    task = Task(tmp_path / f"{name}.mp4", tmp_path / "out" / f"{name}.mp4", BatchOptions("mask", steady=False))
    hidden: list[str] = []

    def look(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        hidden.extend(listing(task.dst.parent))
        return frame

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "show_mask", look)
        make_file(task)
    assert len(set(hidden)) == 1
    (task.dst.parent / hidden[0]).touch()
    (task.dst.parent / f".y.unfinished.{HEX}.part.mp4").touch()  # of another file
    make_file(task)
    assert listing(task.dst.parent) == [f".y.unfinished.{HEX}.part.mp4", f"{name}.mp4"]


# ---- on a cluster ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    pytest.importorskip("cloudpickle").register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests
    before = dict(os.environ)  # Dask sets OMP_NUM_THREADS=1 in this process, and later tests would round differently
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, memory_limit="3GiB", dashboard_address=None
    ) as made:
        yield made
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def films(tmp_path: Path) -> list[Task]:
    source = make_film(tmp_path / "0.mp4", count=FRAMES, tones=[Tone(seconds=1.0)]).read_bytes()
    for number in range(4):
        (tmp_path / f"{number}.mp4").write_bytes(source)
    options = BatchOptions("mask", steady=False)
    return [Task(tmp_path / f"{n}.mp4", tmp_path / "out" / f"{n}.mp4", options) for n in range(4)]


def wait_for(condition: Callable[[], T], seconds: float = 90) -> T:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)
    return value


def begun(folder: Path) -> list[Path]:
    """Files that are not complete yet."""
    return [*folder.glob(".*.part.mp4"), *folder.glob("*.unfinished.mp4")] if folder.is_dir() else []


def hold(folder: str) -> None:
    """Run in a worker: from now on it stops in the middle of its first film, says so, and waits to be let go."""
    plain, place = batch.show_mask, Path(folder)

    def stop_at_a_frame(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        (place / f"{os.getpid()}.busy").touch()
        while (place / "hold").exists():
            time.sleep(0.01)
        return plain(frame, mask)

    batch.show_mask = stop_at_a_frame


def test_the_files_of_a_worker_that_dies_are_made_by_another(cluster: Any, films: list[Task], tmp_path: Path) -> None:
    """It is killed while every worker is in the middle of a film: they wait until it has happened."""
    from distributed import Client

    folder, killed = films[0].dst.parent, []
    (tmp_path / "hold").touch()
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        client.run(hold, str(tmp_path))

    def kill_a_busy_worker() -> None:
        (busy, *_) = wait_for(lambda: list(tmp_path.glob("*.busy")))
        wait_for(lambda: begun(folder))
        killed.append(int(busy.stem))
        os.kill(killed[0], signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
        (tmp_path / "hold").unlink()

    killer = threading.Thread(target=kill_a_busy_worker, daemon=True)
    killer.start()
    outcomes = list(run_on_cluster(films, cluster.scheduler_address))
    killer.join()
    assert len(killed) == 1
    assert [outcome.error for outcome in outcomes] == [""] * 4
    assert {outcome.task.src for outcome in outcomes} == {task.src for task in films}
    assert listing(folder) == [f"{number}.mp4" for number in range(4)], "and no leftovers"
    assert [count(task.dst) for task in films] == [FRAMES] * 4


def test_a_failure_is_told_and_the_others_are_made(cluster: Any, films: list[Task]) -> None:
    films[1].src.write_bytes(b"no video")
    films[2].dst.parent.mkdir()
    films[2].dst.write_bytes(b"mine")
    errors = {outcome.task.src: outcome.error for outcome in run_on_cluster(films, cluster.scheduler_address)}
    assert [bool(errors[film.src]) for film in films] == [False, True, True, False]
    assert str(films[1].src) in errors[films[1].src]
    assert "--force" in errors[films[2].src]
    assert films[2].dst.read_bytes() == b"mine"
    assert listing(films[0].dst.parent) == ["0.mp4", "2.mp4", "3.mp4"]


@pytest.mark.slow  # whole processes that race with one another: not for every run
def test_closing_the_iterator_cancels_what_waits(cluster: Any, films: list[Task]) -> None:
    folder = films[0].dst.parent
    with closing(run_on_cluster(films, cluster.scheduler_address)) as outcomes:
        assert next(outcomes).error == ""
    wait_for(lambda: not begun(folder))
    time.sleep(0.5)  # nobody begins another one
    assert begun(folder) == []
    assert 1 <= len(listing(folder)) < 4
    assert [count(folder / name) for name in listing(folder)] == [FRAMES] * len(listing(folder))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to another process there")
def test_the_command_line_hands_files_to_the_cluster_and_ctrl_c_lets_go_of_them(
    cluster: Any, films: list[Task]
) -> None:
    folder = films[0].dst.parent
    line = [sys.executable, "-u", "-m", "seglib", "blur", *(str(task.src) for task in films), str(folder)]
    line += ["--scheduler", cluster.scheduler_address, "--skip-existing"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("[1/4] wrote ")
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert len(err.splitlines()) == 2
    assert "1 of 4 files" in err
    wait_for(lambda: not begun(folder))
    assert all(count(folder / name) == FRAMES for name in listing(folder))

    assert main(line[4:]) == 0
    assert listing(folder) == [f"{number}.mp4" for number in range(4)]
    assert [count(task.dst) for task in films] == [FRAMES] * 4


def test_nobody_at_the_address_is_an_error_soon(films: list[Task], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(batch, "CONNECT_SECONDS", 0.2)
    with pytest.raises(OSError, match=r"tcp://127\.0\.0\.1:9"):
        list(run_on_cluster(films, "tcp://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        ("error", type("KilledWorker", (Exception,), {})("internal words"), "memory"),
        ("error", ModuleNotFoundError("No module named 'seglib'"), "ModuleNotFoundError: No module named 'seglib'"),
        ("cancelled", None, "cancelled"),
        ("lost", None, "run again"),
    ],
)
def test_what_goes_wrong_on_the_cluster_itself_is_one_line(
    status: str, error: Exception | None, words: str, tmp_path: Path
) -> None:
    left = tmp_path / f".b.unfinished.{HEX}.part.mp4"
    left.touch()
    task = Task(tmp_path / "a.mp4", tmp_path / "b.mp4", BatchOptions())
    outcome = outcome_of(SimpleNamespace(status=status, exception=lambda: error), task)
    assert words in outcome.error
    assert str(task.src) in outcome.error
    assert "\n" not in outcome.error
    assert not left.exists()
