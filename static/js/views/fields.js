/**
 * One labelled control of a form: label, the control, a visible sentence of help, and what is wrong with it,
 * all tied together for screen readers. The same sentence is the title, so it shows on hover as well.
 */

import { html, nothing } from "lit/html.js";
import { live } from "lit/directives/live.js";

/**
 * @typedef {object} Field
 * @property {string} id unique on the page
 * @property {string} label
 * @property {string} help one sentence, always visible
 * @property {string} value
 * @property {string} [error]
 * @property {(value: string) => void} onInput
 * @property {() => void} [onBlur]
 * @property {"text"|"numeric"|"decimal"} [inputmode]
 * @property {string} [unit] shown behind the control
 * @property {string} [placeholder]
 * @property {number} [maxlength]
 * @property {boolean} [disabled]
 * @property {unknown} [before] shown inside the control's line, in front
 * @property {unknown} [after] shown inside the control's line, behind
 * @property {unknown} [extra] shown under the help
 */

/** @param {Field} field */
export function textField(field) {
  const { id, help, value, error, onInput, onBlur, inputmode = "text", placeholder = "", disabled = false } = field;
  return frame(
    field,
    html`<input
      id=${id}
      name=${id}
      type="text"
      autocomplete="off"
      spellcheck="false"
      inputmode=${inputmode}
      placeholder=${placeholder}
      title=${help}
      ?disabled=${disabled}
      aria-invalid=${error ? "true" : "false"}
      aria-describedby=${describedBy(id, error)}
      .value=${live(value)}
      @input=${(event) => onInput(event.target.value)}
      @blur=${(event) => toSubmit(event) || (onBlur && afterPress(onBlur))}
    >`,
  );
}

/** @param {Field & {options: [string, string][]}} field */
export function selectField(field) {
  const { id, help, value, error, onInput, options } = field;
  return frame(
    field,
    html`<select
      id=${id}
      name=${id}
      title=${help}
      aria-invalid=${error ? "true" : "false"}
      aria-describedby=${describedBy(id, error)}
      @change=${(event) => onInput(event.target.value)}
    >
      ${options.map(([key, text]) => html`<option value=${key} .selected=${live(key === value)}>${text}</option>`)}
    </select>`,
  );
}

/**
 * Whether the focus leaves for the button that checks the whole form.
 * @param {FocusEvent} event
 */
function toSubmit(event) {
  return event.relatedTarget instanceof HTMLButtonElement && event.relatedTarget.type === "submit";
}

let pressed = false;
addEventListener("pointerdown", () => { pressed = true; }, true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { pressed = false; }, true);

/**
 * Does something now, or after the press under way: an error line that came between pressing and letting go would move
 * what is pressed from under the pointer, and the press would be lost.
 * @param {() => void} act
 */
function afterPress(act) {
  if (pressed) addEventListener("pointerup", () => setTimeout(act), { once: true, capture: true });
  else act();
}

/** @param {string} id @param {string} [error] */
function describedBy(id, error) {
  return error ? `${id}-error ${id}-help` : `${id}-help`;
}

/** @param {Field} field @param {unknown} control */
function frame({ id, label, help, error, unit, before, after, extra }, control) {
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <div class="control">
      ${before ?? nothing}${control}${unit ? html`<span class="unit">${unit}</span>` : nothing}${after ?? nothing}
    </div>
    <p class="error" id="${id}-error" ?hidden=${!error}>${error ?? ""}</p>
    <p class="help" id="${id}-help">${help}</p>
    ${extra ?? nothing}
  </div>`;
}
