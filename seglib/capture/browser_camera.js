// The page's side of browser_camera.py: one camera for each model, a box for each view.
// Privacy first: nothing touches the camera before a press, and it goes off when its last box leaves the page, when
// the page is closed, when the kernel is restarted, and when the kernel does not answer.
import { holdShortcuts } from "../_internal/keyboard.js";
import { appendElement, sendToKernel } from "../_internal/page.js";
import { OBSTACLES, obstacle } from "./camera_obstacle.js";

/** @typedef {import("../_internal/page.js").Model} Model */
/** @typedef {"off" | "asking" | "on" | "failed"} State */

const IN_FLIGHT = 2; // frames; with one, each would wait 40 ms for the network's own acknowledgement
const HEARTBEAT = 1000; // ms between two reports
const SILENCE = 10000; // ms without a message from the kernel after which the camera goes off
const RECENT = 5000; // ms for which a press on a Start button elsewhere on the page counts
const LONGEST_SIDE = 1280; // pixels; a larger frame is shrunk before it is sent
const QUALITY = 0.85;

/** @type {Record<string, string>} */
const ADVICE = {
  ...OBSTACLES,
  NotAllowedError:
    "The browser may not use the camera. Press the camera or lock sign beside the page's address, allow the camera, " +
    "and start it again.",
  NotFoundError: "The browser finds no camera on your computer. Plug one in or switch it on, and start it again.",
  NotReadableError:
    "The camera is there, but gives no picture. Another program may be using it: close video calls, and start it " +
    "again.",
  ended: "The camera was unplugged or taken away. Start it again when it is back.",
};
const OFF = "The camera is off. Nothing is recorded or sent before you press Start camera.";
const ASKING = "Your browser asks whether this page may use the camera.";
const ON = "The camera is on, and its pictures go to the kernel.";
const UNANSWERED = "The kernel did not answer for 10 s, so the camera was switched off. Press Start camera to go on.";
const ENDED = "Nobody reads this camera any more, so it is off. Run the cell again to use it.";
const RESTARTED = "The kernel was restarted, so the camera is off. Run the cell again to use it.";

/** A problem that has an entry in ADVICE. */
class CameraProblem extends Error {
  /** @param {string} name */
  constructor(name) {
    super(name);
    this.name = name;
  }
}

/** @param {unknown} error */
function advice(error) {
  const { name, message } = /** @type {Error} */ (error);
  return ADVICE[name] ?? `The camera could not be started (${name}: ${message}).`;
}

class Camera {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Set<View>} */
    this.views = new Set();
    /** @type {State} */
    this.state = "off";
    this.text = OFF;
    /** @type {MediaStream | null} */
    this.stream = null;
    this.ended = false;
    this.startAsked = -Infinity; // when the kernel asked for a start
    this.run = Math.floor(1e9 * Math.random()); // changes with each start and stop, so that late answers are known
    this.sent = 0; // number of the last frame
    this.read = 0; // number of the last frame that the kernel has read
    this.travel = 0; // ms from capture to kernel, of the last frame
    /** @type {Map<number, {captured: number, sent: number}>} */
    this.times = new Map();
    this.heard = 0; // when the kernel last sent anything
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.video = document.createElement("video");
    Object.assign(this.video, { muted: true, playsInline: true, autoplay: true });
    this.video.setAttribute("aria-label", "What your camera sees");
    this.canvas = document.createElement("canvas");
    this.receive = this.receive.bind(this);
    this.pageClosed = () => this.stop();
    this.kernelGone = () => this.end(RESTARTED);
    model.on("msg:custom", this.receive);
    model.on("comm_live_update", this.kernelGone); // the kernel restarted or went away
    window.addEventListener("pagehide", this.pageClosed);
  }

  destroy() {
    this.stop();
    this.model.off("msg:custom", this.receive);
    this.model.off("comm_live_update", this.kernelGone);
    window.removeEventListener("pagehide", this.pageClosed);
  }

  // ---- starting and stopping

  /** @param {string} choice */
  async start(choice) {
    this.release();
    const run = this.run;
    this.setState("asking", ASKING);
    try {
      const stream = await openCamera(choice);
      if (run !== this.run || !this.views.size) return turnOff(stream); // stopped, or left, while the browser asked
      this.stream = stream;
      this.video.srcObject = stream;
      stream.getVideoTracks()[0].addEventListener("ended", () => {
        if (this.stream === stream) this.fail(ADVICE.ended);
      });
      await this.video.play();
    } catch (error) {
      if (run === this.run) this.fail(advice(error));
      return;
    }
    if (run !== this.run) return;
    Object.assign(this, { sent: 0, read: 0, travel: 0, times: new Map(), heard: performance.now() });
    this.setState("on", ON);
    this.timer = setInterval(() => this.heartbeat(), HEARTBEAT);
    this.sendFrames(run);
    for (const view of this.views) view.listCameras();
  }

  stop(text = OFF) {
    this.release();
    this.setState("off", text);
  }

  /**
   * For good: nobody reads the frames any more.
   * @param {string} text
   */
  end(text) {
    this.ended = true;
    if (this.state === "failed") this.setState("failed", `${this.text} Run the cell again.`);
    else this.stop(text);
  }

  /** @param {string} text */
  fail(text) {
    this.release();
    this.setState("failed", text);
  }

  release() {
    this.run++;
    clearInterval(this.timer);
    turnOff(this.stream);
    this.stream = null;
    this.video.srcObject = null;
  }

  // ---- messages

  /**
   * @param {State} state
   * @param {string} text
   */
  setState(state, text) {
    this.state = state;
    this.text = text;
    for (const view of this.views) view.show();
    this.report();
  }

  report() {
    this.send({ kind: "state", state: this.state, text: this.text });
  }

  /**
   * @param {object} content
   * @param {ArrayBuffer[]} [buffers]
   */
  send(content, buffers) {
    if (!this.ended && !sendToKernel(this.model, content, buffers)) this.end(RESTARTED);
  }

  /** @param {{kind: string, run: number, number: number, waited: number}} message */
  receive(message) {
    this.heard = performance.now();
    if (message.kind === "read" && message.run === this.run) this.frameRead(message.number, message.waited);
    if (message.kind === "report" && this.views.size) this.report();
    if (message.kind === "end") this.end(ENDED);
    if (message.kind === "start") {
      this.startAsked = performance.now();
      this.startIfAsked();
    }
  }

  /**
   * @param {number} number
   * @param {number} waited
   */
  frameRead(number, waited) {
    this.read = Math.max(this.read, number);
    const times = this.times.get(number);
    // From capture to arrival: encoding, and half of the way there and back.
    if (times) this.travel = times.sent - times.captured + (performance.now() - times.sent - waited) / 2;
    for (const older of this.times.keys()) if (older <= this.read) this.times.delete(older);
  }

  /** Asked for by a Start button elsewhere on the page: only if it was pressed just now, and by a person. */
  startIfAsked() {
    const [view] = this.views;
    if (!view) return; // the message may come just before the box
    const isRecent = performance.now() - this.startAsked < RECENT && navigator.userActivation?.isActive;
    this.startAsked = -Infinity;
    if (isRecent && this.state === "off" && !this.ended) this.start(view.choice());
  }

  heartbeat() {
    if (performance.now() - this.heard > SILENCE) this.stop(UNANSWERED);
    else this.report();
  }

  // ---- frames

  /** @param {number} run */
  async sendFrames(run) {
    while (run === this.run) {
      await nextFrame(this.video);
      if (run !== this.run) return;
      if (this.sent - this.read >= IN_FLIGHT || !this.video.videoWidth) continue;
      const captured = performance.now();
      const jpeg = await this.encode();
      if (run !== this.run) return;
      if (!jpeg) continue;
      const number = ++this.sent;
      this.times.set(number, { captured, sent: performance.now() });
      this.send({ kind: "frame", run, number, travel: this.travel }, [jpeg]);
    }
  }

  async encode() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    context.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    /** @type {Blob | null} */
    const blob = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
    return blob?.arrayBuffer(); // there is none if the camera went off meanwhile
  }
}

/** @param {string} choice */
async function openCamera(choice) {
  if (obstacle()) throw new CameraProblem(obstacle());
  const which = ["user", "environment"].includes(choice) ? { facingMode: choice } : { deviceId: { exact: choice } };
  const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
  const ask = (/** @type {MediaTrackConstraints | true} */ video) =>
    navigator.mediaDevices.getUserMedia({ audio: false, video });
  try {
    return await ask({ ...size, ...which });
  } catch (error) {
    if (/** @type {Error} */ (error).name !== "OverconstrainedError") throw error;
    return ask("deviceId" in which ? which : true); // WebKitGTK refuses a size or a direction that no camera tells
  }
}

/** @param {MediaStream | null} stream */
function turnOff(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/**
 * A page in the background draws nothing, so its videos announce no frames: then look ten times a second.
 * @param {HTMLVideoElement} video
 * @returns {Promise<void>}
 */
function nextFrame(video) {
  return new Promise((resolve) => {
    const callback = video.requestVideoFrameCallback?.(() => {
      clearTimeout(timer);
      resolve();
    });
    const timer = setTimeout(() => {
      video.cancelVideoFrameCallback?.(callback);
      resolve();
    }, 100);
  });
}

/** The box on the page. */
class View {
  /**
   * @param {Camera} camera
   * @param {Element} parent
   */
  constructor(camera, parent) {
    this.camera = camera;
    this.box = appendElement("div", "seglib-camera", parent);
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-label", "Browser camera");
    this.startButton = appendElement("button", "seglib-camera-start", this.box, "Start camera");
    this.stopButton = appendElement("button", "seglib-camera-stop", this.box, "Stop camera");
    this.select = appendElement("select", "seglib-camera-choice", this.box);
    this.select.setAttribute("aria-label", "Which camera");
    this.select.append(new Option("Front camera", "user"), new Option("Back camera", "environment"));
    this.message = appendElement("div", "seglib-camera-message", this.box);
    this.message.setAttribute("role", "status");
    onPress(this.startButton, () => camera.start(this.choice()));
    onPress(this.stopButton, () => camera.stop());
    this.select.onchange = () => {
      if (camera.stream) camera.start(this.choice());
    };
    this.release = holdShortcuts(() => this.box);
    camera.views.add(this);
    this.box.insertBefore(camera.video, this.message); // one picture only: in the newest box
    this.show();
    if (obstacle() && camera.state === "off") camera.fail(ADVICE[obstacle()]);
    else camera.report();
    camera.startIfAsked();
  }

  choice() {
    return this.select.value;
  }

  show() {
    const { state, text } = this.camera;
    Object.assign(this.box.dataset, { state, choice: this.choice() });
    const startUseless = state === "on" || state === "asking" || this.camera.ended;
    const stopUseless = state === "off" || state === "failed";
    // Not disabled: that would take the focus from somebody who uses the keyboard.
    this.startButton.setAttribute("aria-disabled", `${startUseless}`);
    this.stopButton.setAttribute("aria-disabled", `${stopUseless}`);
    if (this.message.textContent !== text) this.message.textContent = text;
  }

  /** Once the camera is allowed, the browser also tells the cameras' names; where there are several, list them. */
  async listCameras() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const cameras = devices.filter((device) => device.kind === "videoinput" && device.deviceId);
    if (cameras.length < 2 || this.select.options.length > 2) return;
    for (const [number, { label, deviceId }] of cameras.entries()) {
      this.select.append(new Option(label || `Camera ${number}`, deviceId));
    }
  }

  remove() {
    this.release();
    this.box.remove();
    this.camera.views.delete(this);
    const left = [...this.camera.views].pop();
    if (left) left.box.insertBefore(this.camera.video, left.message);
    else this.camera.stop();
  }
}

/**
 * @param {HTMLElement} button
 * @param {() => unknown} action
 */
function onPress(button, action) {
  button.onclick = () => {
    if (button.getAttribute("aria-disabled") !== "true") action();
  };
}

export default () => {
  /** @type {Camera} */
  let camera;
  return {
    /** @param {{model: Model}} context */
    initialize({ model }) {
      camera = new Camera(model);
      return () => camera.destroy();
    },
    /** @param {{el: HTMLElement}} context */
    render({ el }) {
      const view = new View(camera, el);
      return () => view.remove();
    },
  };
};
