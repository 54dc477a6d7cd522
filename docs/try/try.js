// @ts-check
// The page "Try it here": frames of a camera or of the recorded clip, through the walk, to two canvases.
import { Compositor, cover, createLayer, HEIGHT, loadModel, WIDTH } from "./walk.js";

const folder = new URL(".", import.meta.url); // of this file, which holds all that the page needs
const RATE_FRAMES = 30; // over how many frames the rate is measured

/**
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return found;
}

const status = element("try-status", HTMLElement);
const rate = element("try-rate", HTMLElement);
const video = Object.assign(document.createElement("video"), { muted: true, loop: true, playsInline: true });
const buttons = {
  camera: element("try-camera", HTMLButtonElement),
  clip: element("try-clip", HTMLButtonElement),
  stop: element("try-stop", HTMLButtonElement),
};
const effect = element("try-effect", HTMLSelectElement);
const picture = element("try-picture", HTMLInputElement);
const [output, maskView] = ["try-output", "try-mask"].map((id) => {
  return /** @type {CanvasRenderingContext2D} */ (element(id, HTMLCanvasElement).getContext("2d"));
});
const background = createLayer();

/** @type {ReturnType<typeof loadModel> | undefined} */
let model; // loaded at the first start, and kept
let run = 0; // the number of the present run: Stop and each start add 1, and the loop of an older run ends

/** What to tell a person when a camera does not start, by the name of the browser's error. */
const CAMERA_ERRORS = /** @type {Record<string, string>} */ ({
  NotAllowedError:
    "The camera was refused. Allow it in the address bar and press Start camera again, or play the recorded clip.",
  NotFoundError: "No camera was found. Play the recorded clip instead.",
  NotReadableError:
    "Another program uses the camera. Close it and press Start camera again, or play the recorded clip.",
});

/** @param {string} text */
function say(text) {
  status.textContent = text;
}

/** @returns {Promise<MediaStream>} */
async function openCamera() {
  if (!navigator.mediaDevices) {
    const why = window.isSecureContext ? "this browser gives pages none" : "browsers allow it on https pages only";
    throw new Error(`This page may not use a camera: ${why}. Play the recorded clip instead.`);
  }
  const ask = (/** @type {MediaTrackConstraints | true} */ video) => navigator.mediaDevices.getUserMedia({ video });
  try {
    return await ask({ width: WIDTH, height: HEIGHT }).catch((error) => {
      if (error.name !== "OverconstrainedError") throw error;
      return ask(true); // WebKitGTK refuses a size that no camera tells
    });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    throw new Error(CAMERA_ERRORS[name] ?? `The camera does not start: ${error}. Play the recorded clip instead.`);
  }
}

/** @param {MediaStream} stream */
function release(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** @param {() => string | Promise<MediaStream>} open gives an address or a camera */
async function start(open) {
  stop();
  const mine = run;
  buttons.stop.disabled = false;
  try {
    say("Loading the model …");
    model ??= loadModel(folder);
    const predict = await model.catch((error) => {
      model = undefined; // the next start tries again
      throw new Error(`The model does not load: ${error.message}`);
    });
    say("Opening the video …");
    const source = await open();
    if (run !== mine) return source instanceof MediaStream && release(source);
    if (source instanceof MediaStream) video.srcObject = source;
    else video.src = source;
    await video.play();
    if (run !== mine) return;
    say("Running. Every frame stays in this page.");
    await loop(mine, predict);
  } catch (error) {
    if (run !== mine) return; // stopped meanwhile
    stop();
    say(error instanceof Error ? error.message : String(error));
  }
}

function stop() {
  run += 1;
  buttons.stop.disabled = true;
  rate.textContent = "";
  video.pause();
  if (video.srcObject instanceof MediaStream) release(video.srcObject);
  video.srcObject = null;
  video.removeAttribute("src");
  say("Stopped.");
}

/**
 * Always take the newest frame, as in notebook 06: while one frame is rendered, the worker predicts the next.
 * @param {number} mine
 * @param {Awaited<ReturnType<typeof loadModel>>} predict
 */
async function loop(mine, predict) {
  const compositor = new Compositor();
  const nextFrame = watchFrames(() => run === mine);
  const frames = [createLayer(), createLayer()]; // one is predicted while the other is rendered
  /** @type {number[]} */
  const times = [];
  /** @param {CanvasRenderingContext2D} frame */
  const capture = async (frame) => {
    await nextFrame();
    cover(frame, video, video.videoWidth, video.videoHeight);
    return predict(frame.canvas);
  };
  for (let number = 0, next = capture(frames[0]); run === mine; number++) {
    const frame = frames[number % 2];
    const mask = await next;
    next = capture(frames[(number + 1) % 2]);
    await new Promise(requestAnimationFrame); // lets the worker begin
    if (run !== mine) return;
    compositor.render(output, frame.canvas, mask, effect.value === "blur" ? null : background.canvas);
    compositor.renderMask(maskView);
    times.push(performance.now());
    if (times.length > RATE_FRAMES) {
      const seconds = (times[number] - times[number - RATE_FRAMES]) / 1000;
      rate.textContent = `${(RATE_FRAMES / seconds).toFixed(0)} frames per second`;
    }
  }
}

/**
 * Give a function that waits until the video has a frame that was not taken yet; where there is one, it returns at once.
 * @param {() => boolean} wanted
 */
function watchFrames(wanted) {
  let fresh = false;
  let wake = () => {};
  const request = (/** @type {() => void} */ callback) => {
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(callback);
    else requestAnimationFrame(callback); // older Firefox
  };
  const arrived = () => {
    fresh = true;
    wake();
    if (wanted()) request(arrived);
  };
  request(arrived);
  return async () => {
    if (!fresh) {
      await new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
        wake = resolve;
      });
    }
    fresh = false;
  };
}

/** @param {ImageBitmapSource} source */
async function setBackground(source) {
  const bitmap = await createImageBitmap(source);
  cover(background, bitmap, bitmap.width, bitmap.height);
  bitmap.close();
}

function ready() {
  if (typeof WebAssembly !== "object") {
    say("This browser has no WebAssembly, or it is turned off, so the model cannot run here.");
    return;
  }
  buttons.camera.addEventListener("click", () => start(openCamera));
  buttons.clip.addEventListener("click", () => start(() => new URL("clip.mp4", folder).href));
  buttons.stop.addEventListener("click", stop);
  picture.addEventListener("change", async () => {
    const [file] = picture.files ?? [];
    if (!file) return;
    try {
      await setBackground(file);
      effect.value = "picture";
    } catch {
      say(`${file.name} is not a picture that this browser can read.`);
    }
  });
  fetch(new URL("beach.jpg", folder))
    .then((reply) => reply.blob())
    .then(setBackground);
  buttons.camera.disabled = buttons.clip.disabled = false;
  say("Ready.");
}

ready();
