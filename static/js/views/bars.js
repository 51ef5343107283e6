/** Ten numbers, one for each digit, as a table of bars. */

import { html } from "lit/html.js";

/** @param {import("../logic/bars.js").Bar[]} bars @param {{caption: string, head: string}} words what the numbers are: in a sentence and in a word */
export function barsView(bars, { caption, head }) {
  return html`<table class="outputs">
    <caption>${caption}</caption>
    <thead class="visually-hidden"><tr><th scope="col">Digit</th><th scope="col">${head}</th><th scope="col">Meaning</th></tr></thead>
    <tbody>
      ${bars.map(({ digit, share, text, meaning, top }) => html`<tr class=${top ? "predicted" : ""}>
        <th scope="row">${digit}</th>
        <td><span class="bar" aria-hidden="true"><span .style=${`transform: scaleX(${share.toFixed(4)})`}></span></span><span class="value">${text}</span></td>
        <td class="meaning">${meaning}</td>
      </tr>`)}
    </tbody>
  </table>`;
}
