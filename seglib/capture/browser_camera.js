// The page's half of seglib/browser_camera.py: one camera for each model, a box for each view.
// Privacy first: nothing touches the camera before a press, and it goes off when its last box leaves the page, when
// the page goes, when the kernel is restarted, and when the kernel does not answer.

const IN_FLIGHT = 2; // pictures on their way; with one, each would wait 40 ms for the network's own acknowledgement
const BEAT = 1000; // ms between two signs of life
const SILENCE = 10000; // ms without an answer from the kernel, and the camera goes off
const FRESH = 5000; // ms for which a press on a Start button elsewhere on the page counts
const LONGEST = 1280; // pixels; a larger picture is made smaller before it is sent
const QUALITY = 0.85;

const ADVICE = {
  NotAllowedError:
    "The browser may not use the camera. Press the camera or lock sign beside the page's address, allow the camera, " +
    "and start it again.",
  NotFoundError:
    "The browser finds no camera on your computer. Plug one in or switch it on, and start it again. " +
    "Without a camera: open_source('clip') plays the recorded clip.",
  NotReadableError:
    "The camera is there, but gives no picture. Another program may be using it: close video calls, and start it " +
    "again.",
  insecure:
    "Browsers give the camera only to safe pages, and this one came over plain http from another machine. Open it by " +
    "its https address. Or, if you may use ssh there: ssh -L 8888:localhost:8888 MACHINE, then open " +
    "http://localhost:8888.",
  missing: "This program shows notebooks, but gives them no camera. Open the notebook in a browser.",
  ended: "The camera was unplugged or taken away. Start it again when it is back.",
};
const OFF = "The camera is off. Nothing is recorded or sent before you press Start camera.";
const ENDED = "Nobody reads this camera any more, so it is off. Run the cell again to use it.";
const ORPHANED = "The kernel was restarted, so the camera is off. Run the cell again to use it.";
const ON = "The camera is on, and its pictures go to the kernel.";

function advice(error) {
  return ADVICE[error.name] ?? `The camera could not be started (${error.name}: ${error.message}).`;
}

class Camera {
  constructor(model) {
    this.model = model;
    this.views = new Set();
    this.state = "off";
    this.text = OFF;
    this.stream = null;
    this.ended = false;
    this.wished = -Infinity; // when the kernel asked for a start
    this.run = Math.floor(1e9 * Math.random()); // changes with each start and stop, so that old answers are known
    this.video = document.createElement("video");
    Object.assign(this.video, { muted: true, playsInline: true, autoplay: true });
    this.video.setAttribute("aria-label", "What your camera sees");
    this.paper = document.createElement("canvas");
    this.hear = (message) => this.answer(message);
    this.leave = () => this.stop();
    this.orphan = () => this.end(ORPHANED);
    model.on("msg:custom", this.hear);
    model.on("comm_live_update", this.orphan); // the kernel restarted or went away
    window.addEventListener("pagehide", this.leave);
  }

  destroy() {
    this.stop();
    this.model.off("msg:custom", this.hear);
    this.model.off("comm_live_update", this.orphan);
    window.removeEventListener("pagehide", this.leave);
  }

  // ---- starting and stopping

  async start(choice) {
    this.release();
    const run = this.run;
    this.tell("asking", "Your browser asks whether this page may use the camera.");
    try {
      const stream = await open(choice);
      if (run !== this.run || !this.views.size) return turnOff(stream); // stopped, or left, while the browser asked
      this.stream = stream;
      this.video.srcObject = stream;
      stream.getVideoTracks()[0].addEventListener("ended", () => this.stream === stream && this.fail(ADVICE.ended));
      await this.video.play();
    } catch (error) {
      if (run === this.run) this.fail(error.advice ?? advice(error));
      return;
    }
    if (run !== this.run) return;
    Object.assign(this, { sent: 0, taken: 0, travel: 0, times: new Map(), heard: performance.now() });
    this.tell("on", ON);
    this.beat = setInterval(() => this.live(), BEAT);
    this.pump(run);
    this.views.forEach((view) => view.list());
  }

  stop(text = OFF) {
    this.release();
    this.tell("off", text);
  }

  // For good: nobody is left who would look at pictures.
  end(text) {
    this.ended = true;
    if (this.state === "failed") this.tell("failed", `${this.text} Run the cell again.`);
    else this.stop(text);
  }

  fail(text) {
    this.release();
    this.tell("failed", text);
  }

  release() {
    this.run++;
    clearInterval(this.beat);
    turnOff(this.stream);
    this.stream = null;
    this.video.srcObject = null;
  }

  // ---- talking with the kernel

  tell(state, text) {
    Object.assign(this, { state, text });
    this.views.forEach((view) => view.show());
    this.report();
  }

  report() {
    this.send({ kind: "state", state: this.state, text: this.text });
  }

  send(content, buffers) {
    if (this.ended) return;
    try {
      this.model.send(content, undefined, buffers);
    } catch {
      this.end(ORPHANED); // the kernel went while we were speaking
    }
  }

  answer(message) {
    this.heard = performance.now();
    if (message.do === "taken" && message.run === this.run) {
      this.taken = Math.max(this.taken, message.number);
      const times = this.times.get(message.number);
      // From being drawn to being there: packing, and half of what the way there and back took.
      if (times) this.travel = times.sent - times.drawn + (performance.now() - times.sent - message.waited) / 2;
      for (const number of this.times.keys()) if (number <= this.taken) this.times.delete(number);
    }
    if (message.do === "report" && this.views.size) this.report();
    if (message.do === "end") this.end(ENDED);
    if (message.do === "start") {
      this.wished = performance.now();
      this.grant();
    }
  }

  // Asked for by a Start button elsewhere on the page: only if it was pressed just now, and by a person.
  grant() {
    const [view] = this.views;
    if (!view) return; // the wish may come just before the box
    const fresh = performance.now() - this.wished < FRESH && navigator.userActivation?.isActive;
    this.wished = -Infinity;
    if (fresh && this.state === "off" && !this.ended) this.start(view.choice());
  }

  live() {
    if (performance.now() - this.heard > SILENCE)
      this.stop("The kernel did not answer for 10 s, so the camera was switched off. Press Start camera to go on.");
    else this.report();
  }

  // ---- pictures

  async pump(run) {
    while (run === this.run) {
      await nextPicture(this.video);
      if (run !== this.run) return;
      if (this.sent - this.taken >= IN_FLIGHT || !this.video.videoWidth) continue;
      const drawn = performance.now();
      const picture = await this.pack();
      if (run !== this.run) return;
      if (!picture) continue;
      const number = ++this.sent;
      this.times.set(number, { drawn, sent: performance.now() });
      this.send({ kind: "frame", run, number, travel: this.travel }, [picture]);
    }
  }

  async pack() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    this.paper.width = Math.round(width * scale);
    this.paper.height = Math.round(height * scale);
    this.paper.getContext("2d").drawImage(this.video, 0, 0, this.paper.width, this.paper.height);
    const blob = await new Promise((done) => this.paper.toBlob(done, "image/jpeg", QUALITY));
    return blob?.arrayBuffer(); // there is none if the camera went off meanwhile
  }
}

async function open(choice) {
  if (!window.isSecureContext) throw { advice: ADVICE.insecure };
  const forbidden = document.featurePolicy?.allowsFeature("camera") === false; // a frame inside another page
  if (forbidden || !navigator.mediaDevices?.getUserMedia) throw { advice: ADVICE.missing };
  const which = ["user", "environment"].includes(choice) ? { facingMode: choice } : { deviceId: { exact: choice } };
  const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
  return navigator.mediaDevices.getUserMedia({ audio: false, video: { ...size, ...which } });
}

function turnOff(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}

// A page in the background draws nothing, so its videos announce no frames: then look ten times a second.
function nextPicture(video) {
  return new Promise((done) => {
    const seen = video.requestVideoFrameCallback?.(() => {
      clearTimeout(timer);
      done();
    });
    const timer = setTimeout(() => {
      video.cancelVideoFrameCallback?.(seen);
      done();
    }, 100);
  });
}

// ---- the box

class View {
  constructor(camera, element) {
    this.camera = camera;
    this.box = make("div", "seglib-camera");
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-label", "Browser camera");
    this.startButton = make("button", "seglib-camera-start", "Start camera");
    this.stopButton = make("button", "seglib-camera-stop", "Stop camera");
    this.select = make("select", "seglib-camera-choice");
    this.select.setAttribute("aria-label", "Which camera");
    this.select.append(new Option("Front camera", "user"), new Option("Back camera", "environment"));
    this.message = make("div", "seglib-camera-message");
    this.message.setAttribute("role", "status");
    this.box.append(this.startButton, this.stopButton, this.select, this.message);
    element.append(this.box);
    this.startButton.onclick = () => camera.start(this.choice());
    this.stopButton.onclick = () => camera.stop();
    this.select.onchange = () => camera.stream && camera.start(this.choice());
    camera.views.add(this);
    this.box.insertBefore(camera.video, this.message); // one picture only: in the newest box
    this.show();
    camera.report();
    camera.grant();
  }

  choice() {
    return this.select.value;
  }

  show() {
    const { state, text } = this.camera;
    Object.assign(this.box.dataset, { state, choice: this.choice() });
    this.startButton.disabled = state === "on" || state === "asking" || this.camera.ended;
    this.stopButton.disabled = state === "off" || state === "failed";
    if (this.message.textContent !== text) this.message.textContent = text;
  }

  // Once the browser has said yes it also tells the cameras' names; a computer with several can choose among them.
  async list() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const cameras = devices.filter((device) => device.kind === "videoinput" && device.deviceId);
    if (cameras.length < 2 || this.select.options.length > 2) return;
    cameras.forEach((device, number) => this.select.append(new Option(device.label || `Camera ${number}`, device.deviceId)));
  }

  remove() {
    this.box.remove();
    this.camera.views.delete(this);
    const left = [...this.camera.views].pop();
    if (left) left.box.insertBefore(this.camera.video, left.message);
    else this.camera.stop();
  }
}

function make(tag, name, text = "") {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}

export default () => {
  let camera;
  return {
    initialize({ model }) {
      camera = new Camera(model);
      return () => camera.destroy();
    },
    render({ el }) {
      const view = new View(camera, el);
      return () => view.remove();
    },
  };
};
