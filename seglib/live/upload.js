// A button for a picture file. A message over 10 MB ends the kernel's connection, and a background needs no more pixels
// than the frame. So a large picture is shrunk here, and one that cannot be is refused.
import { appendElement, sendToKernel } from "../_internal/page.js";

/** @typedef {import("../_internal/page.js").Model} Model */

const SMALL = 2e6; // bytes; such a file is sent as it is: the kernel reads more kinds of pictures
const MANY = 2e7; // pixels; a picture of more is shrunk however small its file is
const LARGEST = 8e6; // bytes; one that this browser cannot read must not be larger
const LONGEST_SIDE = 1920; // pixels
const QUALITY = 0.92;

/**
 * What is sent in place of a file.
 * @param {File} file
 * @returns {Promise<Blob>}
 */
async function messageOf(file) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (bitmap && (file.size > SMALL || bitmap.width * bitmap.height > MANY)) return shrink(bitmap);
  bitmap?.close();
  if (bitmap || file.size <= LARGEST) return file; // what this browser does not know, the kernel may
  const size = `${Math.round(file.size / 1e6)} MB`;
  throw new Error(`${file.name} is no picture that this browser can read, and too large (${size}) to be sent as it is.
Save it as JPEG or PNG, or smaller than ${LARGEST / 1e6} MB.`);
}

/**
 * The picture as a JPEG of the size that a frame may have, transparent parts over white.
 * @param {ImageBitmap} bitmap
 * @returns {Promise<Blob>}
 */
async function shrink(bitmap) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no JPEG"))), "image/jpeg", QUALITY);
  });
}

/**
 * @param {Model} model
 * @param {File} file
 */
async function send(model, file) {
  try {
    const message = await messageOf(file);
    const isPart = message !== file && file.type === "image/gif"; // whose other pictures are lost by shrinking
    const remark = isPart ? `Of ${file.name}, the first picture is used.` : "";
    sendToKernel(model, { kind: "picture", name: file.name, remark }, [await message.arrayBuffer()]);
  } catch (error) {
    sendToKernel(model, { kind: "refused", text: /** @type {Error} */ (error).message });
  }
}

export default {
  /** @param {{model: Model, el: HTMLElement}} context */
  render({ model, el }) {
    const button = appendElement("button", "jupyter-widgets jupyter-button widget-button", el);
    const icon = appendElement("i", "fa fa-upload", button);
    const label = appendElement("span", "", button, model.get("description"));
    icon.setAttribute("aria-hidden", "true");
    button.title = model.get("tooltip") ?? "";
    const input = appendElement("input", "", el);
    Object.assign(input, { type: "file", accept: "image/*", hidden: true });
    button.onclick = () => input.click();
    input.onchange = async () => {
      const file = input.files?.[0];
      if (!file) return;
      label.textContent = `reading ${file.name} …`;
      await send(model, file);
      label.textContent = model.get("description");
      input.value = ""; // so that the same file can be chosen again
    };
  },
};
