/**
 * What the panels have in common that draw frames: while they are on the page they are told every frame of the feed they
 * were given. They are drawn again after a frame, after another feed, and when the theme changes, since a canvas keeps
 * the colours it was drawn in.
 */

export class FeedElement extends HTMLElement {
  /** The latest frame; null until one has come of this feed. @type {import("../logic/frames.js").Frame|null} */ frame = null;
  /** @type {import("../watching.js").Feed|null} */ #feed = null;
  #theme = "";
  #leave = () => {};

  get feed() {
    return this.#feed;
  }

  /** @param {import("../watching.js").Feed} feed */
  set feed(feed) {
    if (feed === this.#feed) return;
    this.#feed = feed;
    if (this.isConnected) this.#listen();
  }

  /** @param {string} theme */
  set theme(theme) {
    if (theme === this.#theme) return;
    this.#theme = theme;
    this.recolor();
  }

  connectedCallback() {
    this.#listen();
  }

  disconnectedCallback() {
    this.#leave();
  }

  #listen() {
    this.#leave();
    this.frame = null;
    this.#leave = this.#feed?.subscribe((frame) => this.take(frame)) ?? (() => {});
    this.later();
  }

  /** @param {import("../logic/frames.js").Frame} frame */
  take(frame) {
    this.frame = frame;
    this.later();
  }

  /** The theme is another. */
  recolor() {
    this.later();
  }

  /** Draws soon, once for all that has changed by then. Each panel has its own pace. */
  later() {
    throw new Error("later() is missing");
  }
}
