"""Many files: on this machine, and on a Dask cluster whose workers may die."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from films import Tone, make_film

import seglib
from seglib.__main__ import main
from seglib.cli import batch
from seglib.cli.batch import Outcome, Settings, Task, attempt, make_file, run_here, run_on_cluster, show_mask

HEX = "0123456789abcdef" * 2
FRAMES = 20


def count(path: Path) -> int:
    """How many frames a video holds, every one of them decoded."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def listing(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


# ---- settings, tasks ---------------------------------------------------------------------------------------


def test_settings_make_the_effect_that_they_name(tmp_path: Path) -> None:
    frame, mask = seglib.sample_frame(), seglib.sample_mask()
    seglib.write_image(tmp_path / "sea.png", seglib.sample_background("beach"))
    sea = Settings("substitute", background=tmp_path / "sea.png", fit="stretch")
    expected = seglib.replace_background(frame, mask, seglib.sample_background("beach"), "stretch")
    np.testing.assert_array_equal(sea.make_effect()(frame, mask), expected)
    assert Settings("blur", sigma=4).make_effect() == seglib.Blur(4)
    shown = Settings("mask").make_effect()(frame, mask)
    assert (shown == shown[..., :1]).all()
    np.testing.assert_array_equal(shown[..., 0], np.rint(mask * 255))
    with pytest.raises(seglib.SourceError, match=r"none\.png does not exist"):
        Settings("substitute", background=tmp_path / "none.png").make_effect()


def test_a_task_is_small_enough_to_be_sent_around(tmp_path: Path) -> None:
    seglib.write_image(tmp_path / "sea.png", seglib.sample_background("beach"))
    task = Task(tmp_path / "a.mp4", tmp_path / "b.mp4", Settings("substitute", background=tmp_path / "sea.png"))
    data = pickle.dumps((attempt, task))
    assert len(data) < 2000
    assert pickle.loads(data)[1] == task


def test_what_process_video_takes_can_be_sent_to_a_worker() -> None:
    for effect in (seglib.Blur(3), seglib.Replace("navy"), show_mask):
        frame, mask = seglib.sample_frame(), seglib.sample_mask()
        _, copy = pickle.loads(pickle.dumps((seglib.process_video, effect)))
        np.testing.assert_array_equal(copy(frame, mask), effect(frame, mask))


def test_leftovers_of_this_file_are_removed_and_no_others(tmp_path: Path) -> None:
    mine = [f".talk.unfinished.{HEX}.part.mp4", f".talk.unfinished.{HEX[::-1]}.part.mp4"]
    others = [
        f".talk.v2.unfinished.{HEX}.part.mp4",
        f".talk.unfinished.{HEX}.part.webm",
        f".talk.{HEX}.part.mp4",
        ".talk.unfinished.1.part.mp4",
        "talk.mp4",
        "talk.unfinished.mp4",
    ]
    for name in mine + others:
        (tmp_path / name).touch()
    folder = tmp_path / f".talk-unfinished.{HEX}.part"  # of a cut-out
    folder.mkdir()
    (folder / "000001.png").touch()
    Task(Path("talk.mp4"), tmp_path / "talk.mp4", Settings()).discard_leftovers()
    assert listing(tmp_path) == sorted([*others, folder.name])
    Task(Path("talk.mp4"), tmp_path / "talk", Settings("cutout")).discard_leftovers()
    assert listing(tmp_path) == sorted(others)
    Task(Path("talk.mp4"), tmp_path / "not" / "there.mp4", Settings()).discard_leftovers()


def test_process_video_calls_its_hidden_files_as_the_removal_expects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "x" * 150  # longer than what the hidden name keeps of it
    make_film(tmp_path / f"{long}.mp4", count=3)
    task = Task(tmp_path / f"{long}.mp4", tmp_path / "out" / f"{long}.mp4", Settings("mask", steady=False))
    seen: list[str] = []

    def look_around(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        seen.extend(listing(task.dst.parent))
        return frame

    monkeypatch.setattr(batch, "show_mask", look_around)
    make_file(task)
    assert len(set(seen)) == 1
    (task.dst.parent / seen[0]).touch()  # as if the process had been killed while it wrote
    make_file(task)
    assert listing(task.dst.parent) == [f"{long}.mp4"]


# ---- on this machine ---------------------------------------------------------------------------------------


def test_outcomes_come_one_by_one_in_order(tmp_path: Path) -> None:
    make_film(tmp_path / "a.mp4", count=4, tones=[Tone(seconds=0.1)])
    (tmp_path / "b.mp4").write_bytes(b"no video")
    seglib.write_image(tmp_path / "c.png", seglib.sample_frame())
    tasks = [Task(tmp_path / name, tmp_path / "out" / name, Settings()) for name in ("a.mp4", "b.mp4", "c.png")]
    outcomes = run_here(tasks, progress=False)
    first = next(outcomes)
    assert first.done.startswith(f"{tmp_path / 'out' / 'a.mp4'}: 4 frames, 0.1 s, sound copied, ")
    assert listing(tmp_path / "out") == ["a.mp4"], "the next one has not begun"
    second, third = outcomes
    assert (second.task, second.done) == (tasks[1], "")
    assert "b.mp4" in second.error
    assert third == Outcome(tasks[2], done=f"{tmp_path / 'out' / 'c.png'}: 640 × 480")
    assert listing(tmp_path / "out") == ["a.mp4", "c.png"]


def test_the_model_is_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    load = seglib.load_model

    def counting(name: str, **options: object) -> object:
        loaded.append(name)
        return load(name, **options)

    monkeypatch.setattr("seglib.predict.load_model", counting)
    batch.load_once.cache_clear()
    make_film(tmp_path / "a.mp4", count=2)
    for name in ("1.mp4", "2.mp4", "3.mp4"):
        make_file(Task(tmp_path / "a.mp4", tmp_path / name, Settings()))
    assert loaded == ["portrait"]


def test_a_damaged_end_is_told(tmp_path: Path) -> None:
    whole = make_film(tmp_path / "a.mkv", count=30).read_bytes()
    (tmp_path / "a.mkv").write_bytes(whole[: len(whole) // 2])
    (refused,) = run_here([Task(tmp_path / "a.mkv", tmp_path / "b.mp4", Settings())], progress=False)
    assert "a.mkv" in refused.error
    assert listing(tmp_path) == ["a.mkv"]
    (kept,) = run_here([Task(tmp_path / "a.mkv", tmp_path / "b.mp4", Settings(keep_broken=True))], progress=False)
    assert kept.error == ""
    assert kept.done.endswith("; the source is damaged after that")
    assert 0 < count(tmp_path / "b.mp4") < 30


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
    """Films that take about a second each."""
    source = make_film(tmp_path / "0.mp4", count=FRAMES, tones=[Tone(seconds=1.0)]).read_bytes()
    for number in range(4):
        (tmp_path / f"{number}.mp4").write_bytes(source)
    return [Task(tmp_path / f"{n}.mp4", tmp_path / "out" / f"{n}.mp4", Settings(steady=False)) for n in range(4)]


def wait_for(condition: Any, seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)
    return value


def begun(folder: Path) -> list[Path]:
    """Files that are not whole yet."""
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
    """Killed while every worker is in the middle of a film, and surely so: they wait until it has happened."""
    from distributed import Client

    folder, killed = films[0].dst.parent, []
    films = [replace(task, settings=replace(task.settings, effect="mask")) for task in films]
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
    outcomes = {outcome.task.src: outcome for outcome in run_on_cluster(films, cluster.scheduler_address)}
    assert len(outcomes) == 4
    assert str(films[1].src) in outcomes[films[1].src].error
    assert "--force" in outcomes[films[2].src].error
    assert films[2].dst.read_bytes() == b"mine"
    assert [bool(outcomes[film.src].error) for film in (films[0], films[3])] == [False, False]
    assert listing(films[0].dst.parent) == ["0.mp4", "2.mp4", "3.mp4"]


@pytest.mark.slow  # whole processes that race with one another: not for every run
def test_closing_the_iterator_cancels_what_waits(cluster: Any, films: list[Task]) -> None:
    folder = films[0].dst.parent
    with closing(run_on_cluster(films, cluster.scheduler_address)) as outcomes:
        assert next(outcomes).error == ""
    wait_for(lambda: not begun(folder))
    time.sleep(0.5)
    assert begun(folder) == [], "nobody begins another one"
    assert 1 <= len(listing(folder)) < 4
    assert [count(folder / name) for name in listing(folder)] == [FRAMES] * len(listing(folder))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to another process there")
def test_the_command_line_hands_files_to_the_cluster_and_ctrl_c_lets_go_of_them(
    cluster: Any, films: list[Task]
) -> None:
    folder = films[0].dst.parent
    sources = [str(task.src) for task in films]
    line = [sys.executable, "-u", "-m", "seglib", "blur", *sources, str(folder)]
    line += ["--scheduler", cluster.scheduler_address, "--skip-existing"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("[1/4] wrote ")
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.splitlines() == [
        "seglib: stopped; the workers finish the files that they are at",
        "seglib: 1 of 4 files are done; --skip-existing goes on from there",
    ]
    wait_for(lambda: not begun(folder))
    assert all(count(folder / name) == FRAMES for name in listing(folder))

    assert main(line[4:]) == 0
    assert listing(folder) == [f"{number}.mp4" for number in range(4)]
    assert [count(task.dst) for task in films] == [FRAMES] * 4


def test_nobody_at_the_address_is_an_error_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(batch, "_PATIENCE", 1)
    task = Task(tmp_path / "a.mp4", tmp_path / "b.mp4", Settings())
    with pytest.raises(OSError, match="tcp://127.0.0.1:9"):
        list(run_on_cluster([task], "tcp://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        ("error", type("KilledWorker", (Exception,), {})("internal words"), "each worker that tried it died"),
        ("error", ModuleNotFoundError("No module named 'seglib'"), "ModuleNotFoundError: No module named 'seglib'"),
        ("cancelled", None, "the scheduler lost it (cancelled); run again"),
        ("lost", None, "the scheduler lost it (lost)"),
    ],
)
def test_what_goes_wrong_on_the_cluster_itself_is_one_line(
    status: str, error: Exception | None, words: str, tmp_path: Path
) -> None:
    left = tmp_path / f".b.unfinished.{HEX}.part.mp4"
    left.touch()
    task = Task(tmp_path / "a.mp4", tmp_path / "b.mp4", Settings())
    future: Any = SimpleNamespace(status=status, exception=lambda: error)
    outcome = batch._outcome(future, task)
    assert words in outcome.error
    assert str(task.src) in outcome.error
    assert not left.exists()
