/** Draw: a pad, what the network sees of the drawing, its ten outputs, and the training digits next to it. */

import { html, nothing } from "lit/html.js";

import "./pad.js";
import { agreement, bars, noBars, outputText, sumsToOne, verdict } from "../logic/bars.js";
import { percent } from "../logic/format.js";
import { isUnfinished } from "../logic/jobs.js";
import { isEmpty } from "../logic/strokes.js";
import { stillStands } from "../logic/turns.js";
import { barsView } from "./bars.js";
import { galleryView } from "./gallery.js";
import { divergedNote } from "./hints.js";
import { pasteIcon, pictureIcon, undoIcon } from "./icons.js";

const NEIGHBOURS = 5;

/** @typedef {import("../store.js").State} State */
/** @typedef {import("../actions.js").Actions} Actions */

/** @param {Record<string, any>} network @param {State} state @param {Actions} act */
export function drawView(network, state, act) {
  return html`
    ${noteView(network, state)}
    <div class="drawing">${padView(state.drawing, act)} ${readingView(network, state, act)}</div>
    ${galleryView(network, state, act)}
  `;
}

/** @param {Record<string, any>} network @param {State} state */
function noteView(network, state) {
  if (isUnfinished(state.jobs[network.active_job_id])) {
    return html`<p class="callout">This network is in training. Until the run ends it reads as it did before${network.trained ? "" : ", when it could only guess"}.</p>`;
  }
  const diverged = divergedNote(network, state);
  if (diverged !== nothing) return diverged;
  return network.trained ? nothing : html`<p class="callout">This network has not been trained yet: it guesses. Train it under Learn, then draw again.</p>`;
}

/** @param {State["drawing"]} drawing @param {Actions} act */
function padView({ sheet, problem }, act) {
  const empty = isEmpty(sheet);
  const take = (files) => files[0] && void act.takePicture(files[0]);
  const choose = (event) => event.currentTarget.parentElement.querySelector("input").click();
  const over = (event) => {
    event.preventDefault();
    event.currentTarget.classList.add("over");
  };
  const leave = (event) => event.currentTarget.classList.remove("over");
  const drop = (event) => {
    event.preventDefault();
    leave(event);
    take(event.dataTransfer.files);
  };
  return html`<section class="card pad-card" aria-labelledby="pad-title" @dragover=${over} @dragleave=${leave} @drop=${drop}>
    <div class="run-head">
      <h2 id="pad-title">Draw a digit</h2>
      <div class="pad-actions">
        <button class="button small" type="button" aria-disabled=${empty ? "true" : "false"} title="Takes the last stroke away; without strokes, the picture. So does Ctrl+Z." aria-keyshortcuts="Control+Z Meta+Z" @click=${act.undo}>${undoIcon}Undo</button>
        <button class="button small" type="button" aria-disabled=${empty ? "true" : "false"} title="Takes everything off the paper." @click=${act.clear}>Clear</button>
      </div>
    </div>
    <div class="paper">
      <hippo-pad role="img" aria-label=${padWords(sheet)} aria-describedby="pad-help" .sheet=${sheet} .onDown=${act.penDown} .onMove=${act.penMove}></hippo-pad>
      <p class="paper-hint" aria-hidden="true" ?hidden=${!empty}>Draw here</p>
    </div>
    <div class="upload">
      <button class="button" type="button" title="Reads a digit from a picture file, such as a photo of handwriting: PNG or JPEG." @click=${choose}>${pictureIcon}Upload a picture</button>
      <button class="button" type="button" title="Reads a picture that was copied, such as a part of the screen. So does Ctrl+V." aria-keyshortcuts="Control+V Meta+V" @click=${act.paste}>${pasteIcon}Paste</button>
      <input type="file" accept="image/png,image/jpeg" hidden aria-label="File of a picture"
        @change=${(event) => { take(event.target.files); event.target.value = ""; }}>
    </div>
    <p class="problem" role="alert" ?hidden=${!problem}>${problem}</p>
    <p class="help" id="pad-help">Use mouse, pen or finger, anywhere on the paper. A PNG or JPEG can be dropped on it or pasted, too.</p>
  </section>`;
}

/** @param {import("../logic/strokes.js").Sheet} sheet */
function padWords({ picture, strokes }) {
  const lines = strokes.length ? `${strokes.length} ${strokes.length === 1 ? "stroke" : "strokes"}` : "";
  return `Paper to draw on: ${[picture?.words, lines].filter(Boolean).join(", and ") || "empty"}`;
}

/** @param {Record<string, any>} network @param {State} state @param {Actions} act */
function readingView(network, { connection, drawing, readings }, act) {
  const id = network.network_id;
  const reading = readings[id];
  const busy = !isEmpty(drawing.sheet) && reading?.turns.answered !== drawing.version;
  const silent = busy && connection === "lost"; // nothing is asked until the connection is back
  const current = reading && !silent && !isEmpty(drawing.sheet) && stillStands(reading.turns, drawing.since) ? reading : null;
  const data = current?.data ?? null;
  return html`<section class="card reading-card" aria-labelledby="reading-title" aria-busy=${busy && !silent ? "true" : "false"}>
    <h2 id="reading-title" class="visually-hidden">What the network makes of it</h2>
    <p class="verdict ${data ? "" : "none"}" role="status">${silent ? "No answer" : verdictWords(network, drawing, current)}</p>
    ${silent ? html`<p class="problem" role="alert">The server does not answer. What you drew is kept, and read when it is back.</p>` : nothing}
    ${current?.error
      ? html`<div class="problem" role="alert"><p>${current.error}</p>
          <button class="link" type="button" title="Asks the network once more." @click=${() => act.readAgain(id)}>Try again</button></div>`
      : nothing}
    <div class="looked-at">
      ${outputsView(network, data)}
      <figure class="seen">
        ${data ? html`<img class="pixels" width="140" height="140" src=${pngSource(data.image_data)} alt="The drawing in 28 by 28 pixels">` : html`<div class="pixels none"></div>`}
        <figcaption class="help"><strong>What the network sees</strong> Cropped, fitted into 20\u00a0\u00d7\u00a020 of 28\u00a0\u00d7\u00a028 pixels, and centred, as the digits of MNIST were. To the network, ink is\u00a01 and paper\u00a00.</figcaption>
      </figure>
    </div>
    ${neighboursView(data)}
  </section>`;
}

/** Probabilities, or the outputs where they are none. @param {Record<string, any>} network @param {Record<string, any>|null} data */
function outputsView(network, data) {
  if (sumsToOne(network)) {
    return barsView(data ? bars(data.probabilities, { predicted: data.predicted_digit }) : noBars(), { caption: "Probability of each digit", head: "Probability" });
  }
  return barsView(data ? bars(data.network_output, { predicted: data.predicted_digit, unit: "output" }) : noBars(), {
    caption: "The ten outputs, each from 0 to 1 by itself: the highest is the prediction",
    head: "Output",
  });
}

/** @param {Record<string, any>} network @param {State["drawing"]} drawing @param {import("../store.js").Reading|null} reading */
function verdictWords(network, { sheet }, reading) {
  if (reading?.data) {
    const { predicted_digit: digit, confidence, network_output: outputs } = reading.data;
    return sumsToOne(network)
      ? html`${verdict(digit, confidence)}, <span class="value">${percent(confidence)}</span>`
      : html`${verdict(digit, outputs[digit])}, output <span class="value">${outputText(outputs[digit])}</span>`;
  }
  if (isEmpty(sheet)) return "Draw a digit to see what the network reads.";
  return reading?.error ? "No answer" : "Looking\u2026";
}

/** @param {Record<string, any>|null} data */
function neighboursView(data) {
  const neighbours = data?.neighbours ?? [];
  return html`<div class="nearest">
    <h3 id="nearest-title">The nearest training digits</h3>
    <ol aria-labelledby="nearest-title">
      ${data
        ? neighbours.map(({ label, distance, image_data: image }) => html`<li title="Distance ${distance.toFixed(1)}">
            <img class="pixels" width="56" height="56" src=${pngSource(image)} alt="Training digit, labelled ${label}"><span aria-hidden="true">${label}</span></li>`)
        : Array.from({ length: NEIGHBOURS }, () => html`<li aria-hidden="true"><div class="pixels none"></div><span>\u2013</span></li>`)}
    </ol>
    <p class="help">${data && neighbours.length ? agreement(neighbours, data.predicted_digit) : "Those of the 50,000 that differ least from what the network sees, pixel by pixel."}</p>
  </div>`;
}

/** @param {string} image base64 */
function pngSource(image) {
  return `data:image/png;base64,${image}`;
}
