// @ts-check
// The walk of one frame, in a browser: predict a mask, then output = mask · frame + (1 − mask) · background.
// The same steps as in the notebooks; a canvas does the arithmetic, whose alpha channel is the mask.

export const WIDTH = 640;
export const HEIGHT = 480;
const SIGMA = HEIGHT / 60; // pixels, as in notebook 04
const SMALL = 4; // the background is blurred at a quarter of its size, where nobody can tell

/**
 * @param {number} [width]
 * @param {number} [height]
 * @param {CanvasRenderingContext2DSettings} [options]
 */
export function createLayer(width = WIDTH, height = HEIGHT, options = {}) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", options));
  context.imageSmoothingQuality = "high";
  return context;
}

/**
 * Fill a layer with a picture of any shape: cut, not stretched, as notebook 05 does.
 * @param {CanvasRenderingContext2D} layer
 * @param {CanvasImageSource} picture
 * @param {number} width of the picture
 * @param {number} height of the picture
 */
export function cover(layer, picture, width, height) {
  const scale = Math.max(WIDTH / width, HEIGHT / height);
  const [w, h] = [scale * width, scale * height];
  layer.drawImage(picture, (WIDTH - w) / 2, (HEIGHT - h) / 2, w, h);
}

/**
 * Load the embedded model `portrait` and ONNX Runtime, which runs it in a worker of its own.
 * @param {URL} folder that holds portrait.onnx and onnxruntime/
 * @returns {Promise<(frame: HTMLCanvasElement) => Promise<ImageData>>} predicts a mask: white, its alpha channel is the mask
 */
export async function loadModel(folder) {
  /** @type {typeof import("onnxruntime-web")} */
  const ort = await import(new URL("onnxruntime/ort.wasm.min.mjs", folder).href);
  ort.env.wasm.wasmPaths = new URL("onnxruntime/", folder).href;
  ort.env.wasm.proxy = true; // in a worker, so that the page stays responsive
  ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  const session = await ort.InferenceSession.create(new URL("portrait.onnx", folder).href, {
    executionProviders: ["wasm"],
  });
  const [width, height] = [WIDTH / 2, HEIGHT / 2]; // as docs/export_onnx.py made it
  const input = createLayer(width, height, { willReadFrequently: true });
  input.imageSmoothingQuality = "low"; // bilinear: at half the size the mean of 2 × 2 pixels, as seglib takes it
  return async (frame) => {
    input.drawImage(frame, 0, 0, width, height);
    const pixels = new Uint8Array(input.getImageData(0, 0, width, height).data.buffer);
    const { mask } = await session.run({ pixels: new ort.Tensor("uint8", pixels, [height, width, 4]) });
    return new ImageData(new Uint8ClampedArray(/** @type {Uint8Array} */ (mask.data)), WIDTH, HEIGHT);
  };
}

/** Composites frames. It keeps its layers from frame to frame. */
export class Compositor {
  #mask = createLayer();
  #foreground = createLayer();
  #small = createLayer(WIDTH / SMALL, HEIGHT / SMALL);
  #blurred = createLayer(WIDTH / SMALL, HEIGHT / SMALL);

  /**
   * @param {CanvasRenderingContext2D} output
   * @param {HTMLCanvasElement} frame
   * @param {ImageData} mask
   * @param {HTMLCanvasElement | null} background a picture of the frame's size, or null for the blurred frame
   */
  render(output, frame, mask, background) {
    this.#mask.putImageData(mask, 0, 0);
    this.#multiply(this.#foreground, frame, "source-in"); // mask · frame
    output.globalCompositeOperation = "copy";
    output.drawImage(background ?? this.#blur(frame), 0, 0, WIDTH, HEIGHT);
    output.globalCompositeOperation = "source-over"; // foreground + (1 − mask) · background
    output.drawImage(this.#foreground.canvas, 0, 0);
  }

  /**
   * Show the mask, white on black.
   * @param {CanvasRenderingContext2D} output
   */
  renderMask(output) {
    output.fillRect(0, 0, WIDTH, HEIGHT);
    output.drawImage(this.#mask.canvas, 0, 0);
  }

  /**
   * Multiply a frame by the mask ("source-in") or by 1 − mask ("source-out").
   * @param {CanvasRenderingContext2D} layer
   * @param {HTMLCanvasElement} frame
   * @param {"source-in" | "source-out"} by
   */
  #multiply(layer, frame, by) {
    const { width, height } = layer.canvas;
    layer.globalCompositeOperation = "copy";
    layer.drawImage(this.#mask.canvas, 0, 0, width, height);
    layer.globalCompositeOperation = by;
    layer.drawImage(frame, 0, 0, width, height);
  }

  /**
   * Normalised convolution, as in notebook 04: G(frame · (1 − mask)) / G(1 − mask), so that no colour of the person
   * leaks. The blurred layer holds the numerator, and its alpha channel the denominator; drawing a layer over itself
   * again and again makes it opaque, which is the division.
   * @param {HTMLCanvasElement} frame
   */
  #blur(frame) {
    const [small, blurred] = [this.#small, this.#blurred];
    const { width, height } = small.canvas;
    this.#multiply(small, frame, "source-out");
    gaussian(blurred, small.canvas, SIGMA / SMALL);
    blurred.globalCompositeOperation = "source-over";
    for (let time = 0; time < 5; time++) blurred.drawImage(blurred.canvas, 0, 0);
    blurred.globalCompositeOperation = "destination-over"; // what is far from any background
    blurred.drawImage(frame, 0, 0, width, height);
    return blurred.canvas;
  }
}

/**
 * @param {CanvasRenderingContext2D} layer gets the blurred picture
 * @param {HTMLCanvasElement} picture
 * @param {number} sigma in pixels
 */
function gaussian(layer, picture, sigma) {
  const { width, height } = picture;
  layer.globalCompositeOperation = "copy";
  if ("filter" in layer) {
    layer.filter = `blur(${sigma}px)`;
    layer.drawImage(picture, 0, 0);
    layer.filter = "none";
  } else {
    // Safari: smaller and larger again is a blur, too
    const tiny = createLayer(width / SMALL, height / SMALL);
    tiny.drawImage(picture, 0, 0, width / SMALL, height / SMALL);
    /** @type {CanvasRenderingContext2D} */ (layer).drawImage(tiny.canvas, 0, 0, width, height);
  }
}
