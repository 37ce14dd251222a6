// Around the pads: how much of the sheet each class has, the guide, and the portrait that follows the strokes.
//
// The sheet is read off the canvas that the browser shows: no request, and it is there with the stroke. What the
// editor draws there is its sheet, 30 pixels within the canvas, as long as it is not zoomed. psp/ui/pads and the
// tabs for drawings call this; results.js presses "strokes-<task>" for every stroke, undo and cleared sheet.

const sheets = (() => {
  const SIDE = 512, MARGIN = 30, SAMPLE = 128, REDRAWN = 256; // pixels: of a sheet, around it, counted, sent
  const WHITE = 250; // level of every channel from which a pixel is unpainted paper (psp/maps/palette.py)

  // A canvas that forgets what it shows could be read only while the editor paints, which it does when it likes.
  const getContext = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, options) {
    const kept = /^webgl/.test(kind) ? { ...options, preserveDrawingBuffer: true } : options;
    return getContext.call(this, kind, kept);
  };

  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  /** Press a button, once it is there: a tab has none before it was opened for the first time. */
  const press = async (id) => {
    for (let tries = 0; tries < 50 && !document.getElementById(id); tries++) await pause(100);
    await pause(id.startsWith("trace-") ? 300 : 0); // its photo is taken over by then
    document.getElementById(id)?.click();
  };
  const padOf = (task) => document.getElementById(`strokes-${task}`)?.closest(".tabitem")?.querySelector(".pad");
  const inSight = (element) => Boolean(element?.checkVisibility());

  /** Return how large a sheet is shown that is not zoomed, as a share of its size. */
  const fitting = ({ clientWidth, clientHeight }) =>
    Math.min(1, (Math.min(clientWidth, clientHeight) - 2 * MARGIN) / SIDE);

  const zoomed = (pad, canvas) => {
    const shown = parseInt(pad.querySelector(".zoom-number")?.textContent, 10);
    return !(Math.abs(shown - 100 * fitting(canvas)) <= 1.5);
  };

  /** Draw the sheet on another canvas, `size` a side; null where it cannot be seen as a whole. */
  const copied = (pad, size, smooth) => {
    const canvas = pad.querySelector("canvas");
    if (!inSight(canvas) || zoomed(pad, canvas)) return null;
    const dense = canvas.width / canvas.clientWidth; // pixels of the screen
    const side = SIDE * fitting(canvas) * dense;
    const copy = document.createElement("canvas");
    copy.width = copy.height = size;
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingEnabled = smooth; // of maps never: mixtures of two colours are a third class
    const [left, top] = [(canvas.width - side) / 2, (canvas.height - side) / 2];
    context.drawImage(canvas, left, top, side, side, 0, 0, size, size);
    return copy;
  };

  /** Return the pixels of the sheet, SAMPLE a side; null where it cannot be seen as a whole. */
  const read = (pad) =>
    copied(pad, SAMPLE, false)?.getContext("2d").getImageData(0, 0, SAMPLE, SAMPLE).data ?? null;

  /** Return the sheet as a picture within a request. */
  const picture = (task) => {
    const pad = padOf(task);
    const copy = pad && copied(pad, REDRAWN, pad.classList.contains("guided")); // lines, not classes
    return copy ? { url: copy.toDataURL("image/png") } : null;
  };

  const colourOf = (label) => {
    const hex = getComputedStyle(label).getPropertyValue("--class-colour").trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  };

  /** Return how many of the pixels are nearest to each colour; white is the first, the background. */
  const count = (pixels, colours) => {
    const counts = colours.map(() => 0);
    const known = new Map();
    for (let at = 0; at < pixels.length; at += 4) {
      const [red, green, blue] = [pixels[at], pixels[at + 1], pixels[at + 2]];
      const code = (red << 16) | (green << 8) | blue;
      if (!known.has(code)) {
        const gaps = colours.map(([r, g, b]) => (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2);
        known.set(code, Math.min(red, green, blue) >= WHITE ? 0 : gaps.indexOf(Math.min(...gaps)));
      }
      counts[known.get(code)] += 1;
    }
    return counts;
  };

  const inWords = (share) => (share >= 0.01 ? `${Math.round(100 * share)} %` : share > 0.0005 ? "< 1 %" : "");

  /** Write beside each class how much of the sheet it has. */
  const tally = (pad) => {
    const labels = [...(pad.closest(".easel")?.querySelectorAll(".legend label") ?? [])];
    const pixels = read(pad);
    if (!pixels || !labels.length) return;
    const counts = count(pixels, labels.map(colourOf));
    labels.forEach((label, index) => (label.dataset.share = inWords(counts[index] / SAMPLE ** 2)));
  };

  // What was on a sheet when it was last looked at, shortened to a number; 0: nothing but paper.
  const looked = new WeakMap();
  const looks = (pixels) => {
    let sum = 0;
    for (let at = 0; at < pixels.length; at++) sum = (sum * 31 + (255 - pixels[at])) | 0;
    return sum;
  };

  /** Ask for another portrait, where it is wished. */
  const ask = (task, pad) => {
    const live = pad.closest(".easel")?.querySelector(".live");
    if (!live?.querySelector(".live-switch input")?.checked || zoomed(pad, pad.querySelector("canvas"))) return;
    live.classList.add("behind");
    press(`redraw-${task}`);
  };

  /** What is on the sheet, or what the portrait is made with, has changed. */
  const changed = async (task) => {
    const pad = padOf(task);
    if (!inSight(pad)) return;
    let asked = false;
    for (const wait of [20, 120, 400]) { // the editor paints an undo and a cleared sheet when it likes
      await pause(wait);
      const pixels = read(pad);
      const before = looked.get(pad) ?? 0;
      if (pixels) looked.set(pad, looks(pixels));
      if (!asked || looked.get(pad) !== before) ask(task, pad);
      asked = true;
      tally(pad);
    }
  };

  /** A picture was put onto the pad: it is there once the editor has loaded it. */
  const filled = async (task) => {
    const pad = padOf(task);
    pad?.classList.add("filled");
    for (let tries = 0; pad && tries < 40; tries++) {
      await pause(75);
      const pixels = read(pad);
      if (pixels && looks(pixels) !== (looked.get(pad) ?? 0)) break;
    }
    await changed(task);
  };

  /** The portrait would be made with other settings now. */
  const again = (task) => {
    const pad = padOf(task);
    if (inSight(pad) && looked.get(pad)) ask(task, pad);
    return [];
  };

  const seen = (what) => [...document.querySelectorAll(what)].filter(inSight);

  /** The portrait beside the pad was switched on or off. */
  const live = (on) => {
    for (const box of seen(".live")) {
      box.classList.toggle("off", !on);
      const task = box.querySelector("[id^='redraw-']")?.id.slice("redraw-".length);
      if (on && task) changed(task);
    }
    return [];
  };

  const guide = (on) => {
    for (const pad of seen(".pad.guided")) pad.classList.toggle("unguided", !on);
    return [];
  };

  document.addEventListener("click", ({ target }) => {
    if (target.id?.startsWith("strokes-")) changed(target.id.slice("strokes-".length));
    const button = target.closest?.(".pad .top-panel button");
    const pad = button?.closest(".pad");
    if (pad && button === [...pad.querySelectorAll(".top-panel button")].at(-1)) pad.classList.remove("filled");
  }, true);

  // A sheet that is zoomed is not where the guide and its frame are; one that was is counted once it fits again.
  const follow = (pad) => {
    const canvas = pad.querySelector("canvas");
    if (!inSight(canvas)) return;
    const before = pad.classList.contains("zoomed");
    if (pad.classList.toggle("zoomed", zoomed(pad, canvas)) !== before) setTimeout(() => tally(pad), 300);
  };
  const sized = new ResizeObserver((entries) => entries.forEach(({ target }) => follow(target)));
  const watched = new WeakSet();
  const watch = (pad) => {
    if (watched.has(pad)) return;
    watched.add(pad);
    sized.observe(pad);
  };
  const portrait = (node) => node.parentElement?.closest(".live-picture")?.closest(".live")?.classList.remove("behind");
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      portrait(target);
      const pad = target.parentElement?.closest(".pad");
      if (!pad?.querySelector(".zoom-number")) continue;
      watch(pad);
      follow(pad);
    }
  }).observe(document, { childList: true, characterData: true, subtree: true });

  return { again, changed, filled, guide, live, picture, press };
})();
