/** The card of the model that answers: its classes, their colours and roles. */

import { fetchJson } from "./api.js";

/** @typedef {import("./api.js").Identity} Identity */
/** @typedef {import("./api.js").ModelCard} ModelCard */

/** @type {Promise<ModelCard> | null} */
let pending = null;

/** @returns {Promise<ModelCard>} fetched once; again only if that failed */
export async function modelCard() {
  pending ??= fetchJson("model", () => undefined);
  try {
    return await pending;
  } catch (error) {
    pending = null;
    throw error;
  }
}

/**
 * The card of the model that made an answer: another one may have been loaded since the page was opened.
 *
 * @param {Identity} model
 */
export async function cardOf(model) {
  const known = await modelCard();
  if (known.model.sha256 === model.sha256) return known;
  pending = null;
  return modelCard();
}
