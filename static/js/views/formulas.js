/** Formulas in text: powers stand higher, and no line ends within a number. */

import { html, nothing } from "lit/html.js";

/** A number with its sign and power of ten, or a derivative: what must stay on one line. */
const WHOLE = /(\u2202C\/\u2202[wb]|\u2212?\d[\d.,]*(?:\u00b710)?[\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]*)/;

/** @param {string} text such as "e^z", "e^(\u22121.5)", "\u22120.5\u00b7(a \u2212 1)" */
export function formula(text) {
  return text.split(/\^(\([^)]*\)|[^\s)]+)/).map((part, i) => (i % 2 ? html`<sup>${part.replace(/^\((.*)\)$/, "$1")}</sup>` : unbroken(part)));
}

/** @param {string} name @param {string[]} texts one under the other */
export function lines(name, texts) {
  return html`<p><span class="formula-name">${name}</span> <code>${texts.map((text, i) => html`${i ? html`<br>` : nothing}${formula(text)}`)}</code></p>`;
}

/** A line may end behind a dot of multiplication. @param {string} text */
function unbroken(text) {
  return text.split(WHOLE).map((part, i) => (i % 2 ? html`<span class="unbroken">${part}</span>` : part.split(/(?<=\u00b7)/).map((piece, j) => html`${j ? html`<wbr>` : nothing}${piece}${piece.endsWith("\u00b7") ? html`<wbr>` : nothing}`)));
}
