/** The few pictograms of the page. They repeat what a text says, so screen readers skip them. */

import { html, svg } from "lit/html.js";

/** @param {unknown} shapes */
const icon = (shapes) => html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">${shapes}</svg>`;

export const plusIcon = icon(svg`<path d="M10 4v12M4 10h12"/>`);
export const binIcon = icon(svg`<path d="M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6M8.5 9v4.5M11.5 9v4.5"/>`);
export const moonIcon = icon(svg`<path d="M15.5 12A6.5 6.5 0 0 1 8 4.5a6.5 6.5 0 1 0 7.5 7.5z"/>`);
export const sunIcon = icon(svg`<circle cx="10" cy="10" r="3.2"/><path d="M10 2.5v2M10 15.5v2M2.5 10h2M15.5 10h2M4.7 4.7l1.4 1.4M13.9 13.9l1.4 1.4M15.3 4.7l-1.4 1.4M6.1 13.9l-1.4 1.4"/>`);
export const checkIcon = icon(svg`<path d="M4.5 10.5l3.5 3.5 7.5-8"/>`);
export const crossIcon = icon(svg`<path d="M5.5 5.5l9 9M14.5 5.5l-9 9"/>`);
export const undoIcon = icon(svg`<path d="M4 8h8a4 4 0 0 1 0 8H8M7 4.5L3.5 8 7 11.5"/>`);
export const pictureIcon = icon(svg`<rect x="3" y="4" width="14" height="12" rx="2"/><circle cx="7.5" cy="8" r="1.3"/><path d="M3.5 14.5l4.5-4 3 2.5 2.5-2 3.5 3"/>`);
export const pasteIcon = icon(svg`<rect x="4.5" y="4" width="11" height="13" rx="2"/><path d="M7.5 4.5V3h5v1.5M7.5 9h5M7.5 12.5h5"/>`);
export const inIcon = icon(svg`<path d="M10 3v9M6.5 8.5L10 12l3.5-3.5M3.5 14.5V16h13v-1.5"/>`);
export const outIcon = icon(svg`<path d="M10 12V3M6.5 6.5L10 3l3.5 3.5M3.5 14.5V16h13v-1.5"/>`);
export const compareIcon = icon(svg`<path d="M3.5 16.5h13M3.5 16.5v-13M6 13l3-5 3 2.5 4-6M6 14.5l4-1.5 3 .5 3.5-4" />`);
export const warnIcon = icon(svg`<path d="M10 3.5l7 12.5H3zM10 8v3.8M10 13.7v.1"/>`);
export const pauseIcon = icon(svg`<path d="M7 4.5v11M13 4.5v11"/>`);
export const playIcon = icon(svg`<path d="M6.5 4.5l9 5.5-9 5.5z"/>`);
export const stepIcon = icon(svg`<path d="M5 5l7 5-7 5zM15 5v10"/>`);
export const epochIcon = icon(svg`<path d="M3 5l5.5 5L3 15zM9.5 5l5.5 5-5.5 5zM17 5v10"/>`);
export const stopIcon = icon(svg`<rect x="5" y="5" width="10" height="10" rx="1"/>`);
export const linkIcon = icon(svg`<path d="M8.5 11.5a3.2 3.2 0 0 0 4.6 0l2.4-2.4a3.2 3.2 0 0 0-4.6-4.6L9.8 5.6M11.5 8.5a3.2 3.2 0 0 0-4.6 0l-2.4 2.4a3.2 3.2 0 0 0 4.6 4.6l1.1-1.1"/>`);
export const changeIcon = icon(svg`<path d="M4 16l.8-3.4 8.4-8.4 2.6 2.6-8.4 8.4zM11.6 5.8l2.6 2.6"/>`);
export const againIcon = icon(svg`<path d="M15.5 10a5.5 5.5 0 1 1-1.8-4.1M14 2.8v3.4h-3.4"/>`);

/** Hippo's mark, as in favicon.svg. */
export const mark = html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
  <path d="M16 4.5c2 0 3.7.4 5.1 1.2a3.5 3.5 0 1 1 3.6 4.7c.3.7.5 1.5.5 2.3C27.6 14 29 16.3 29 19.2c0 5.2-5.4 8.8-13 8.8S3 24.4 3 19.2c0-2.9 1.4-5.2 3.8-6.5 0-.8.2-1.6.5-2.3a3.5 3.5 0 1 1 3.6-4.7c1.4-.8 3.1-1.2 5.1-1.2z"/>
  <g><circle cx="12" cy="11.5" r="1.5"/><circle cx="20" cy="11.5" r="1.5"/><ellipse cx="11" cy="19.5" rx="1.7" ry="2.2"/><ellipse cx="21" cy="19.5" rx="1.7" ry="2.2"/></g>
</svg>`;
