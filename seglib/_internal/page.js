// What the widgets' pages share.

/**
 * The model of a widget, as anywidget gives it.
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(content: object, callbacks?: undefined, buffers?: ArrayBuffer[]) => void} send
 * @property {(event: string, listener: (...args: any[]) => any) => void} on
 * @property {(event: string, listener: (...args: any[]) => any) => void} off
 * @property {{kernel?: unknown}} [widget_manager]
 */

/**
 * Make an element and append it.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {Element} parent
 * @param {string} text
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function appendElement(tag, className, parent, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
}

/**
 * Send a message to the kernel. False if the kernel that this widget belongs to is gone.
 * @param {Model} model
 * @param {object} content
 * @param {ArrayBuffer[]} [buffers]
 */
export function sendToKernel(model, content, buffers) {
  try {
    model.send(content, undefined, buffers);
    return true;
  } catch {
    return false;
  }
}
