/**
 * <hippo-pad>: white paper to draw on by mouse, pen or finger. It is given a sheet and draws it, and tells its owner
 * where the pen comes down and moves, in fractions of its side; it keeps nothing.
 */

import { drawSheet } from "../pictures.js";

const MOST_PIXELS = 1_200;

class HippoPad extends HTMLElement {
  #canvas = document.createElement("canvas");
  #sheet = null;
  #pointer = null;
  #observer = new ResizeObserver(() => this.#resize());

  /** @type {(point: [number, number]) => void} */ onDown = () => {};
  /** @type {(points: [number, number][]) => void} */ onMove = () => {};

  /** @param {import("../logic/strokes.js").Sheet} sheet */
  set sheet(sheet) {
    if (sheet === this.#sheet) return;
    this.#sheet = sheet;
    this.#draw();
  }

  /** Whether a stroke is being drawn. */
  get isDrawing() {
    return this.#pointer !== null;
  }

  connectedCallback() {
    if (!this.#canvas.isConnected) this.append(this.#canvas);
    this.#observer.observe(this);
    this.addEventListener("pointerdown", this.#down);
    this.addEventListener("pointermove", this.#move);
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) this.addEventListener(end, this.#up);
  }

  disconnectedCallback() {
    this.#observer.disconnect();
    this.#pointer = null;
    this.removeEventListener("pointerdown", this.#down);
    this.removeEventListener("pointermove", this.#move);
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) this.removeEventListener(end, this.#up);
  }

  /** As many pixels as the screen shows. */
  #resize() {
    const side = Math.min(MOST_PIXELS, Math.round(this.clientWidth * devicePixelRatio));
    if (!side || side === this.#canvas.width) return;
    this.#canvas.width = this.#canvas.height = side;
    this.#draw();
  }

  #draw() {
    if (this.#sheet && this.#canvas.width) drawSheet(this.#canvas, this.#sheet);
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  #place(event) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }

  #down = (/** @type {PointerEvent} */ event) => {
    // One pen at a time: a second finger or another button draws nothing.
    if (this.#pointer !== null || !event.isPrimary || event.button !== 0) return;
    event.preventDefault();
    this.#pointer = event.pointerId;
    this.setPointerCapture(event.pointerId);
    this.onDown(this.#place(event));
  };

  #move = (/** @type {PointerEvent} */ event) => {
    if (event.pointerId !== this.#pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    this.onMove((all.length ? all : [event]).map((each) => this.#place(each)));
  };

  #up = (/** @type {PointerEvent} */ event) => {
    if (event.pointerId === this.#pointer) this.#pointer = null;
  };
}

customElements.define("hippo-pad", HippoPad);
