/** The picture and, over it, its mask. */

import { byId } from "./dom.js";
import { classIds, paint } from "./mask.js";

/** @typedef {import("./api.js").Label} Label */
/** @typedef {import("./api.js").Segmentation} Segmentation */
/** @typedef {import("./mask.js").View} View */
/** @typedef {{ids: Uint8Array, size: [number, number], labels: Label[]}} Mask */

const LARGEST_DIFFERENCE = 0.02; // of the ratios of sides of picture and mask: rounding, not another orientation

export class Stage {
  /** @type {Mask | null} */
  #mask = null;
  #frame = byId("frame", HTMLDivElement);
  #picture = byId("picture", HTMLImageElement);
  #canvas = byId("canvas", HTMLCanvasElement);
  #views = byId("views", HTMLFieldSetElement);
  #tint = byId("tint", HTMLInputElement);
  #note = byId("note", HTMLParagraphElement);

  /** @param {(view: View) => void} onView - called when another view is chosen */
  constructor(onView) {
    this.#views.addEventListener("change", () => {
      this.#draw();
      onView(this.view);
    });
    this.#tint.addEventListener("input", () => this.#fade());
  }

  /** @returns {View} */
  get view() {
    return /** @type {View} */ (this.#radios().find((radio) => radio.checked)?.value ?? "overlay");
  }

  /**
   * Shows a picture without a mask.
   *
   * @param {Blob} picture
   * @returns {Promise<boolean>} once the browser has read it: whether it can show it
   */
  async show(picture) {
    URL.revokeObjectURL(this.#picture.src);
    this.#mask = null;
    this.#note.hidden = this.#picture.hidden = true;
    this.#picture.src = URL.createObjectURL(picture);
    this.#draw();
    await this.#picture.decode().catch(() => undefined);
    const { naturalHeight, naturalWidth } = this.#picture;
    this.#picture.hidden = !naturalWidth;
    this.#shape(naturalHeight, naturalWidth);
    return naturalWidth > 0;
  }

  /**
   * Lays the mask over the picture; alone, where the browser cannot show the picture as the service sees it.
   *
   * @param {Segmentation} segmentation - of the picture that was shown last
   * @param {Label[]} labels
   */
  cover(segmentation, labels) {
    const [height, width] = segmentation.size;
    const { naturalHeight, naturalWidth } = this.#picture;
    const alike = Math.abs((naturalWidth * height) / (naturalHeight * width) - 1) < LARGEST_DIFFERENCE;
    this.#mask = { ids: classIds(segmentation), size: segmentation.size, labels };
    this.#note.hidden = alike;
    this.#offer(alike, labels.some((label) => label.role === "foreground"));
    this.#shape(height, width);
    this.#draw();
  }

  /** @param {boolean} visible - whether the picture can be shown @param {boolean} foreground - whether there is one */
  #offer(visible, foreground) {
    for (const radio of this.#radios()) {
      radio.disabled = radio.value !== "mask" && (!visible || (radio.value === "cutout" && !foreground));
    }
    if (!this.#radios().some((radio) => radio.checked && !radio.disabled)) {
      for (const radio of this.#radios()) radio.checked = radio.value === (visible ? "overlay" : "mask");
    }
  }

  /** @returns {HTMLInputElement[]} */
  #radios() {
    return [...this.#views.querySelectorAll("input")];
  }

  /** @param {number} height @param {number} width */
  #shape(height, width) {
    if (!height || !width) return;
    this.#frame.style.setProperty("--ratio", String(width / height));
    this.#frame.style.setProperty("--width", `${width}px`);
  }

  #draw() {
    const view = this.view;
    this.#frame.dataset.view = this.#mask ? view : "picture";
    this.#fade();
    if (!this.#mask || view === "picture") return;
    paint(this.#canvas, this.#mask.ids, this.#mask.size, this.#mask.labels, view);
    if (view === "cutout") this.#fill();
  }

  #fade() {
    this.#tint.disabled = this.view !== "overlay";
    this.#canvas.style.opacity = this.#tint.disabled ? "1" : String(this.#tint.valueAsNumber / 100);
  }

  /** Puts the picture where the canvas is opaque. */
  #fill() {
    const context = this.#canvas.getContext("2d");
    if (!context) return;
    context.globalCompositeOperation = "source-in";
    context.drawImage(this.#picture, 0, 0, this.#canvas.width, this.#canvas.height);
  }
}
