// What can be known of a page's camera without asking for it.

/** @type {Record<string, string>} */
export const OBSTACLES = {
  insecure:
    "Browsers give the camera only to safe pages, and this one came over plain http from another machine. Open it by " +
    "its https address. Or, if you may use ssh there: ssh -L 8888:localhost:8888 MACHINE, then open " +
    "http://localhost:8888.",
  missing: "This program shows notebooks, but gives them no camera. Open the notebook in a browser.",
  vscode:
    "VS Code gives its notebooks no camera. Choose camera 0 if Python runs on the computer that has the camera. " +
    "Otherwise open the notebook in a browser: python -m jupyterlab.",
  colab:
    "On Colab this camera is not supported. Choose the recorded clip, or upload a video and choose a file. With a " +
    "camera, use JupyterLab on your own computer or a JupyterHub.",
};

/**
 * Why this page cannot have a camera, as an entry of OBSTACLES; "" if nothing speaks against it.
 * @param {Window} page
 */
export function obstacle(page = window) {
  const { protocol, hostname } = page.location;
  if ("acquireVsCodeApi" in page || protocol === "vscode-webview:" || hostname.endsWith(".vscode-cdn.net")) {
    return "vscode";
  }
  // @ts-expect-error google is Colab's
  if (page.google?.colab || hostname.endsWith(".googleusercontent.com")) return "colab";
  if (!page.isSecureContext) return "insecure";
  // @ts-expect-error featurePolicy is Chromium's; it tells of a frame inside another page
  const isForbidden = page.document.featurePolicy?.allowsFeature("camera") === false;
  return isForbidden || !page.navigator.mediaDevices?.getUserMedia ? "missing" : "";
}
