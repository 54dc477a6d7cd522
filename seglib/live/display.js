// The page's side of the live picture: draws JPEGs on a canvas and reports which one it has drawn.
// A view reports {view, drawn, room, width, hidden} after pictures and every second: so the kernel knows who is watching,
// never sends more than can be drawn, and never more pixels than are seen.
import { ControlsPage } from "../_internal/controls.js";
import { appendElement, sendToKernel } from "../_internal/page.js";
import { OBSTACLES, obstacle } from "../capture/camera_obstacle.js";
import { Connection } from "./connection.js";
import { DrawnPictures, NewestOnly, REPORT_INTERVAL } from "./flow_control.js";

/** @typedef {import("../_internal/page.js").Model} Model */
/** @typedef {{kind: string, number: number, captured: number, panes: string[], only?: string}} Message */

const HEARTBEAT = 1000; // milliseconds between two reports, at most
const SILENCE = 3000; // milliseconds without a picture after which a running one counts as frozen
const HELPLESS = 15000; // the same after which the person is told what to do
const DECODED_AT_ONCE = 2; // of more pictures that arrive meanwhile only the newest is drawn
/** @type {Record<string, string>} */
const BADGES = { running: "live", waiting: "no picture", starting: "starting" };

/** One view of the picture. */
class View {
  /**
   * @param {Model} model
   * @param {HTMLElement} parent
   */
  constructor(model, parent) {
    this.model = model;
    this.parent = parent;
    this.name = Math.random().toString(36).slice(2); // not crypto.randomUUID: an http page has none
    this.figure = appendElement("figure", "seglib-canvas", parent);
    this.canvas = appendElement("canvas", "", this.figure);
    this.captions = appendElement("div", "seglib-captions", this.figure);
    this.badge = appendElement("span", "seglib-badge", this.figure);
    this.curtain = appendElement("div", "seglib-curtain", this.figure);
    this.spoken = appendElement("span", "seglib-spoken", this.figure); // what only the page knows, for screen readers
    this.spoken.setAttribute("role", "status");
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { alpha: false }));
    this.canvas.setAttribute("role", "img");
    this.captions.setAttribute("aria-hidden", "true");
    Object.assign(this.canvas, { width: 1280, height: 480 });
    Object.assign(this.figure.dataset, { view: this.name, number: 0, shown: 0, panes: "" });
    this.controls = new ControlsPage(this.figure, ".seglib-live");
    this.pictures = new DrawnPictures();
    this.shown = 0;
    this.closed = false;
    this.connection = new Connection(model);
    this.heard = performance.now(); // when the kernel last sent anything
    this.problem = ""; // why there is no picture, as far as only the page knows
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.reminder = undefined;
    /** @type {Promise<void>} */
    this.previous = Promise.resolve(); // fulfilled when the picture before was drawn
    /** @type {NewestOnly<[Message, DataView[]]>} */
    this.queue = new NewestOnly(([message, buffers]) => this.show(message, buffers), DECODED_AT_ONCE);
    this.receive = this.receive.bind(this);
    this.stateChanged = this.stateChanged.bind(this);
    this.describe = this.describe.bind(this);
    this.greet = this.greet.bind(this);
    model.on("msg:custom", this.receive);
    model.on("change:state", this.stateChanged);
    model.on("change:message change:hint", this.describe);
    model.on("comm_live_update", this.greet); // notices a restart while it is stopped, too
    document.addEventListener("visibilitychange", this.greet);
    this.timer = setInterval(() => this.tick(), HEARTBEAT);
    this.describe();
    if (obstacle()) sendToKernel(model, { kind: "no camera", text: OBSTACLES[obstacle()] });
    requestAnimationFrame(this.greet); // once it is in the page and has a width
  }

  remove() {
    this.report("closed");
    this.controls.detach();
    this.closed = true;
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.greet);
    this.model.off("msg:custom", this.receive);
    this.model.off("change:state", this.stateChanged);
    this.model.off("change:message change:hint", this.describe);
  }

  get isIdle() {
    return ["stopped", "failed"].includes(this.model.get("state"));
  }

  // ---- reports

  report(kind = "report") {
    clearTimeout(this.reminder);
    this.reminder = undefined;
    if (this.closed) return;
    const width = Math.round(this.figure.clientWidth * (window.devicePixelRatio || 1));
    const content = { kind, view: this.name, width, hidden: document.hidden, ...this.pictures.report() };
    if (!sendToKernel(this.model, content)) this.disconnect();
  }

  reportInTime() {
    if (this.pictures.isReportDue()) this.report();
    else this.reminder ??= setTimeout(() => this.report(), REPORT_INTERVAL);
  }

  tick() {
    const silence = this.model.get("state") === "running" ? performance.now() - this.heard : 0;
    this.connection.watch(silence > SILENCE);
    this.setProblem(this.problemAfter(silence));
    // Only while something runs: a kernel that gets messages never counts as idle. And nothing that has to wait.
    if (!this.isIdle && !this.connection.isLost) this.report();
  }

  /** @param {number} silence milliseconds */
  problemAfter(silence) {
    if (this.connection.isLost) return "No connection to the kernel. Trying again.";
    if (silence > HELPLESS) return "No picture. If it stays so, reload the page.";
    return silence > SILENCE ? "No picture." : "";
  }

  /** @param {string} problem */
  setProblem(problem) {
    if (problem === this.problem) return;
    this.spoken.textContent = problem || "The picture is back.";
    this.problem = problem;
    this.describe();
  }

  greet() {
    this.controls.attach();
    this.report();
  }

  stateChanged() {
    this.heard = performance.now();
    this.describe();
    this.greet();
  }

  disconnect() {
    this.controls.lose();
    this.closed = true;
    clearInterval(this.timer);
    this.figure.dataset.state = "lost";
    this.badge.textContent = "";
    const text = "The kernel was restarted. Run the cell again.";
    for (const part of [this.curtain, this.spoken]) part.textContent = text;
    this.curtain.hidden = false;
    this.canvas.setAttribute("aria-label", text);
  }

  // ---- pictures

  /**
   * @param {Message} message
   * @param {DataView[]} buffers
   */
  receive(message, buffers) {
    this.heard = performance.now();
    if (message.kind !== "picture" || (message.only && message.only !== this.name)) return undefined;
    return this.queue.push([message, buffers]);
  }

  /**
   * Each picture in a repaint of its own, in order: of two drawn in one nobody would see the first.
   * @param {Message} message
   * @param {DataView[]} buffers
   */
  show(message, buffers) {
    const jpeg = /** @type {BlobPart} */ (buffers[0]);
    const decoded = createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
    decoded.catch(() => {}); // told in paint(), when it is this picture's turn
    this.previous = this.previous.then(() => this.paint(decoded, message));
    return this.previous;
  }

  /**
   * @param {Promise<ImageBitmap>} decoded
   * @param {Message} message
   */
  async paint(decoded, message) {
    try {
      const bitmap = await decoded;
      await nextRepaint();
      if (!this.closed && message.number > this.pictures.last) this.draw(bitmap, message);
      bitmap.close();
    } catch (error) {
      console.error("seglib: a picture could not be drawn", error);
    }
    this.pictures.skip(message.number); // one that cannot be drawn must not hold up the next
    if (!message.only) this.reportInTime();
  }

  /**
   * @param {ImageBitmap} bitmap
   * @param {Message} message
   */
  draw(bitmap, message) {
    const { width, height } = bitmap;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      Object.assign(this.canvas, { width, height });
      this.figure.style.setProperty("--seglib-aspect", `${width / height}`);
    }
    this.context.drawImage(bitmap, 0, 0);
    this.pictures.draw(message.number);
    this.shown += 1;
    const latency = Math.round(Date.now() - message.captured);
    Object.assign(this.figure.dataset, { number: message.number, shown: this.shown, latency });
    this.caption(message.panes);
    if (this.shown === 1) this.describe();
  }

  // ---- texts

  describe() {
    if (this.closed) return;
    const state = this.problem ? "waiting" : this.model.get("state");
    this.figure.dataset.state = state;
    const panes = (this.figure.dataset.panes ?? "").split(",").join(" and ");
    const label = this.shown ? `Live picture: ${panes}. ` : "No picture yet. ";
    this.canvas.setAttribute("aria-label", label + (this.problem || this.model.get("message")));
    this.badge.textContent = this.problem || (BADGES[state] ?? "");
    this.curtain.textContent = this.shown ? "" : this.model.get(this.isIdle ? "hint" : "message");
    this.curtain.hidden = this.shown > 0;
  }

  /** @param {string[]} panes */
  caption(panes) {
    if (panes.join() === this.figure.dataset.panes) return;
    this.figure.dataset.panes = panes.join();
    const columns = panes.length <= 3 ? panes.length : 2;
    this.captions.style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
    this.captions.replaceChildren();
    for (const pane of panes) appendElement("span", "", this.captions, pane);
    this.describe();
  }
}

/** A hidden page is never repainted, so do not wait for ever. */
function nextRepaint() {
  if (document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    requestAnimationFrame(resolve);
    setTimeout(resolve, 250);
  });
}

export default {
  /** @param {{model: Model, el: HTMLElement}} context */
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.remove();
  },
};
