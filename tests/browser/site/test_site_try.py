"""The page that runs the model in a browser, in a real one, with a fake camera."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from fake_camera import FAKE, NO_CAMERA, plays
from PIL import Image

import seglib

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

# Times what the page does, from outside: in the worker (predict) and on the page.
STAGES = """async () => {
    const times = window.stageTimes = {};
    const timed = (name, call) => function (...values) {
        const began = performance.now();
        const end = () => { (times[name] ??= []).push(performance.now() - began); };
        const result = call.apply(this, values);
        if (result instanceof Promise) result.finally(end); else end();
        return result;
    };
    const {Compositor} = await import(new URL('walk.js', location).href);
    for (const name of ['render', 'renderMask']) {
        Compositor.prototype[name] = timed(name, Compositor.prototype[name]);
    }
    const canvas = CanvasRenderingContext2D.prototype;
    canvas.getImageData = timed('shrink and read the frame', canvas.getImageData);
    const ort = await import(new URL('onnxruntime/ort.wasm.min.mjs', location).href);
    const create = ort.InferenceSession.create;
    ort.InferenceSession.create = async (...values) => {
        const session = await create.apply(ort.InferenceSession, values);
        session.run = timed('predict, in its worker', session.run);
        return session;
    };
}"""
PREDICT = """async (picture) => {
    const {loadModel, createLayer} = await import(new URL('walk.js', location).href);
    window.predict ??= await loadModel(new URL('.', location));
    const frame = createLayer();
    frame.drawImage(await createImageBitmap(await (await fetch(picture)).blob()), 0, 0);
    const mask = createLayer();
    mask.putImageData(await window.predict(frame.canvas), 0, 0);
    return mask.canvas.toDataURL();
}"""


@pytest.fixture
def open_page(launch: Callable[..., Browser], address: str) -> Iterator[Callable[..., Page]]:
    """Call it with the browser's arguments; `script` runs before the page's own."""
    contexts: list[BrowserContext] = []

    def open_page(*arguments: str, script: str = "") -> Page:
        contexts.append(launch(*arguments).new_context())
        page = contexts[-1].new_page()
        page.add_init_script(script)
        page.goto(f"{address}/try/")
        return page

    yield open_page
    for context in contexts:
        context.close()


def image(data_url: str) -> np.ndarray:
    """The pixels of a data: address, (H, W, 4) uint8."""
    return np.array(Image.open(io.BytesIO(base64.b64decode(data_url.partition(",")[2]))).convert("RGBA"))


def canvas(page: Page, name: str) -> np.ndarray:
    """The pixels of a canvas of the page, (480, 640, 3) uint8."""
    return image(page.evaluate(f"document.getElementById('{name}').toDataURL()"))[..., :3]


def wait_for_frames(page: Page) -> None:
    page.wait_for_function("() => parseInt(document.getElementById('try-rate').textContent) > 0", timeout=120_000)


def detail(picture: np.ndarray, where: np.ndarray) -> float:
    """How sharp a picture is in a region: the standard deviation of its Laplacian."""
    return float(cv2.Laplacian(picture.astype(np.float32).mean(axis=2), cv2.CV_32F)[where].std())


def test_the_camera_is_blurred_behind_the_person(open_page: Callable[..., Page], film: Path, tmp_path: Path) -> None:
    page = open_page(*plays(film))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method != "GET" else None)
    page.locator("#try-camera").click()
    wait_for_frames(page)
    page.locator("#try-stop").click()
    output, mask = canvas(page, "try-output"), canvas(page, "try-mask")[..., 0]
    with seglib.open_source(film) as frames:
        frame = min(frames, key=lambda frame: np.abs(frame.astype(int) - output)[mask > 250].mean())
    inside, outside = (cv2.erode(np.uint8(where), np.ones((15, 15))) > 0 for where in (mask > 250, mask < 5))
    assert 0.1 < inside.mean() < 0.6
    assert np.abs(frame.astype(int) - output)[inside].mean() < 4
    assert detail(output, inside) > 0.8 * detail(frame, inside)
    assert detail(output, outside) < 0.5 * detail(frame, outside)
    assert sent == []


def test_without_a_camera_the_page_says_so_and_plays_the_clip(open_page: Callable[..., Page]) -> None:
    page = open_page(NO_CAMERA)
    page.locator("#try-camera").click()
    page.get_by_role("status").filter(has_text="No camera").wait_for(timeout=120_000)
    page.locator("#try-effect").select_option("picture")
    page.locator("#try-clip").click()
    wait_for_frames(page)
    assert canvas(page, "try-output")[..., :3].std() > 20


def test_a_refused_camera_is_explained(open_page: Callable[..., Page]) -> None:
    page = open_page(FAKE)  # nobody presses Allow
    page.locator("#try-camera").click()
    page.get_by_role("status").filter(has_text="refused").wait_for(timeout=120_000)
    assert page.locator("#try-stop").is_disabled()


def test_a_browser_without_webassembly_is_told(open_page: Callable[..., Page]) -> None:
    page = open_page(script="delete window.WebAssembly")
    page.get_by_role("status").filter(has_text="WebAssembly").wait_for()
    assert page.locator("#try-camera").is_disabled()


def test_without_offscreen_canvas_it_runs_as_well(open_page: Callable[..., Page]) -> None:
    page = open_page(script="delete window.OffscreenCanvas")
    page.locator("#try-clip").click()
    wait_for_frames(page)


def test_a_browser_without_cameras_is_told(open_page: Callable[..., Page]) -> None:
    page = open_page(script="Object.defineProperty(navigator, 'mediaDevices', {value: undefined})")
    page.locator("#try-camera").click()
    page.get_by_role("status").filter(has_text="may not use a camera").wait_for(timeout=120_000)


@pytest.mark.parametrize("without", ["JavaScript", "its modules"])
def test_where_no_script_runs_a_sentence_stays(launch: Callable[..., Browser], address: str, without: str) -> None:
    context = launch().new_context(java_script_enabled=without != "JavaScript")
    page = context.new_page()
    page.route("**/try.js", lambda route: route.abort())  # as a browser does that knows no modules
    page.goto(f"{address}/try/")
    page.get_by_role("status").filter(has_text="too old").wait_for()
    assert page.locator("#try-camera").is_disabled()
    context.close()


@pytest.mark.slow
def test_the_rate_and_the_share_of_each_stage(open_page: Callable[..., Page], film: Path) -> None:
    """Prints them, for a machine that has nothing else to do: pytest -m slow -k rate -s."""
    page = open_page(*plays(film))
    page.evaluate(STAGES)
    page.locator("#try-camera").click()
    wait_for_frames(page)
    page.evaluate("() => { for (const name in stageTimes) stageTimes[name] = []; }")
    page.wait_for_timeout(15_000)
    stages = page.evaluate("() => stageTimes")
    shown = len(stages["render"])
    print(f"\n{shown / 15:.1f} frames a second at 640 × 480, {15_000 / shown:.1f} ms each, of which")
    for name, times in stages.items():
        spent = sum(times) / shown
        print(f"  {spent:5.1f} ms, {spent * shown / 150:3.0f} %  {name}")
    assert set(stages) == {"render", "renderMask", "shrink and read the frame", "predict, in its worker"}


def test_the_browsers_mask_is_that_of_python(open_page: Callable[..., Page]) -> None:
    page, model = open_page(), seglib.load_model()
    for name in ("astronaut", "hopper", "collage"):
        frame = seglib.fit_image(seglib.sample_frame(name), (480, 640))
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "PNG")
        picture = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
        mask = image(page.evaluate(PREDICT, picture))[..., 3] / np.float32(255)
        agreement = seglib.iou(mask, model.mask(frame))
        assert agreement > 0.995, f"{name}: {agreement:.4f}"
