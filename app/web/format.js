/** Numbers as text. */

const COUNT = new Intl.NumberFormat("en");
const PERCENT = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const ONE_DECIMAL = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const LEAST_SHARE = 0.0005;

/** @param {number} value */
export function count(value) {
  return COUNT.format(value);
}

/** @param {number} share - 0–1 */
export function percent(share) {
  return share > 0 && share < LEAST_SHARE ? "< 0.1%" : PERCENT.format(share);
}

/** @param {number} value - milliseconds */
export function milliseconds(value) {
  return value < 100 ? `${ONE_DECIMAL.format(value)} ms` : `${COUNT.format(Math.round(value))} ms`;
}

/** @param {number} value - shortened to thousands, millions or billions */
export function short(value) {
  for (const [unit, name] of /** @type {[number, string][]} */ ([[1e9, "G"], [1e6, "M"], [1e3, "k"]])) {
    if (value >= unit) return `${ONE_DECIMAL.format(value / unit)} ${name}`;
  }
  return COUNT.format(value);
}

/** @param {readonly number[]} extents */
export function shape(extents) {
  return extents.join("×");
}
