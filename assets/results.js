// Keeps every result together with what it was made of, in the browser: no request, no wait, no wrong order.
//
// A tab has inputs (photo, face, style picture), whose change empties its results, and settings, whose change
// marks them. What a run took is noted when it starts, and compared with what the tab says now whenever either
// changes: so a result that comes late, or after another, is treated as what it is. psp/ui/fresh.py calls
// this; `spec` is what it says of a tab: task, title, inputs, settings, outputs, gallery.

const results = (() => {
  const MOMENT = 500; // milliseconds
  const tabs = {};
  const tabOf = (task) => (tabs[task] ??= {
    now: {}, // what the tab says, by name
    photo: null, // the photo, or the drawing, as Gradio has it
    made: {}, // what the results that are shown were made of: "one", and "every" for those of all faces
    begun: {}, // the same of what runs
    running: new Set(),
    entered: false, // it was opened once
    opening: false, // an example is on its way: its inputs and its result come together
    example: null, // the settings of the example that is open
    own: false, // what is opened is a result of this visit, whose settings are the visitor's own
    sent: false, // the photo is a result of another tab, which is a crop already
    awaited: null, // the face of a restored recipe, which waits for its photo
    stopped: "",
    strokes: 0,
    seed: null, // of the run that was asked for last
    before: null, // the seed before that one
    waiting: false, // a run was asked for, and has not ended
    failed: false, // the last run has ended with an error
    outdated: false, // the result that was here was of another input
  });
  const update = (changes) => ({ __type__: "update", ...changes });
  const plain = (value) => (value && typeof value === "object" ? value.path ?? null : value ?? null);
  const same = (made, now) => made === now || (Array.isArray(made) && made.includes(now));

  /** While something runs it can be stopped, and in some tabs what it has by now is asked for. */
  const atWork = (works) => ({ halt: update({ visible: works }), ticks: update({ active: works }) });

  const nothing = () => ({
    source: null, first: null, latents: null, details: null, seen: null, slider: null, words: "", numbers: "", link: "",
    share: update({ interactive: false }), shared: null,
    save: update({ value: null, interactive: false }),
    archive: update({ value: null, interactive: false }),
    faces: update({ value: null, visible: false }),
    paste: update({ interactive: false }),
    pasted: update({ value: null, visible: false }),
  });

  // Files that browsers cannot show, which the server puts a PNG in the place of: the same picture as before.
  const converted = {};
  const original = (path) => {
    const name = /([^/\\]+)\.png$/.exec(path ?? "")?.[1];
    return converted[name] ?? path;
  };

  /** A file was uploaded: the server will be asked for a PNG where browsers cannot show it. */
  const converts = (file) => {
    const [, stem, ending] = /([^/\\]+)\.([^.]+)$/.exec(file?.path ?? "") ?? [];
    if (stem) converted[stem.slice(0, 80)] = /^(png|jpe?g|webp|gif|bmp|avif)$/i.test(ending) ? undefined : file.path;
    return [];
  };

  const remember = (spec, values) => {
    const tab = tabOf(spec.task);
    [...spec.inputs, ...spec.settings].forEach((name, index) => (tab.now[name] = original(plain(values[index]))));
    tab.now.strokes = tab.strokes;
    tab.photo = values[0] ?? null;
    return tab;
  };

  /** Return the names of what was made of something else than the tab says now. */
  const differing = (tab, made) =>
    Object.keys(made ?? {}).filter((name) => name !== "photo:file" && !same(made[name], tab.now[name]));

  const say = (spec, tab) => {
    if (tab.outdated && tab.now.photo && !tab.waiting && !tab.made.every) {
      if (tab.stopped) return tab.stopped;
      return tab.failed ? "There is no result: the last run ended with an error."
        : `The input is another one now: press ${spec.title} to see its result.`;
    }
    const changed = differing(tab, tab.made.one);
    const what = changed.some((name) => ["strokes", "given"].includes(name)) ? "drawing"
      : changed.includes("base") ? "base" : changed.length ? "settings" : "";
    const verb = what === "settings" ? "have" : "has";
    // While a run is waited for, the result before is one of another seed: nobody needs to be told.
    const mark = what && !tab.waiting && `The ${what} ${verb} changed since this was made: press ${spec.title} to see it anew.`;
    const failed = tab.failed && tab.made.one && "The last run ended with an error: this is the result before.";
    return [tab.stopped || failed, mark].filter(Boolean).join(" ");
  };

  // The Stop button is shown and hidden by what begins and ends runs alone: Gradio can apply what another event
  // has returned before the click only after it.

  const panel = (task) => document.getElementById(`result-${task}`);

  /** Bring the place of the result into view, where some of it is out of sight. */
  const reveal = (task) => {
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    panel(task)?.querySelector(".large")?.scrollIntoView({ behavior, block: "nearest" });
  };

  /** What went wrong last is no news any more: the input is another one, or the visitor has stopped it. */
  const forgive = (task) => {
    panel(task)?.classList.add("forgiven");
    for (const button of document.querySelectorAll(".toast-body.error .toast-close")) button.click();
  };

  /** Return the values of `spec.outputs`: `out`, what follows from the state of the tab, and for others none. */
  const show = (spec, tab, out = {}) => {
    const gone = Object.values(tab.made).some((made) => differing(tab, made).some((n) => spec.inputs.includes(n)));
    if (gone && !tab.opening) {
      tab.made = {};
      tab.outdated = true;
      out = { ...out, ...nothing() };
    }
    if (tab.made.one || tab.opening) tab.outdated = false;
    const shown = Boolean(tab.made.one);
    panel(spec.task)?.classList.toggle("empty", !shown && !tab.made.every && !tab.opening);
    out = { told: say(spec, tab), keep: update({ interactive: shown }), ...out };
    return spec.outputs.map((name) => out[name]);
  };

  /** Another photo has come: return what puts the settings of the example before back to what they are at first. */
  const released = (spec, tab) => {
    const out = {};
    for (const [name, first] of Object.entries(tab.example ? spec.defaults : {})) {
      if (same(tab.example[name], tab.now[name]) && tab.now[name] !== first) out[name] = tab.now[name] = first;
    }
    tab.example = null;
    return out;
  };

  /** Something about the tab has changed. */
  const changed = (spec, ...values) => {
    const [first] = spec.inputs; // the photo, or the drawing: that of the pad becomes a file as a run begins
    const before = tabOf(spec.task).now[first] ?? null;
    const tab = remember(spec, values);
    const out = {};
    if ((tab.now[first] ?? null) !== before && (first === "photo" || !tab.waiting)) {
      forgive(spec.task);
      tab.failed = false;
      const previews = first === "photo" ? panel(spec.task)?.closest(".tabitem")?.querySelectorAll(".live") : null;
      for (const live of previews ?? []) live.classList.add("behind");
      if (!tab.opening) Object.assign(out, released(spec, tab));
      Object.assign(out, { marked: null, note: "", picker: update({ visible: false }), every: update({ visible: false }) });
    }
    const outdated = (slot) => differing(tab, tab.begun[slot]).some((name) => spec.inputs.includes(name));
    if ([...tab.running].some(outdated)) {
      tab.stopped = "Stopped, because the input has changed.";
      halt(spec.task);
    }
    return show(spec, tab, out);
  };

  /** What runs has another input by now: stop it, unless what has changed the input does so itself. */
  const halt = (task) => {
    const tab = tabOf(task);
    const runs = [...tab.running].map((slot) => [slot, tab.begun[slot]]);
    setTimeout(() => {
      if (!runs.some(([slot, begun]) => tab.running.has(slot) && tab.begun[slot] === begun)) return;
      (document.getElementById(`drop-${task}`) ?? document.getElementById(`stop-${task}`))?.click();
    }, MOMENT);
  };

  /** A run was asked for: this comes before Gradio takes it on. */
  const asked = (spec, ...values) => {
    const tab = remember(spec, values);
    tab.stopped = "";
    tab.waiting = true;
    tab.failed = false;
    panel(spec.task)?.classList.remove("forgiven");
    reveal(spec.task);
    // What runs already has its seed, and Gradio takes no second run beside it.
    if (!spec.settings.includes("seed") || tab.running.size) return show(spec, tab, atWork(true));
    tab.before = tab.now.seed;
    tab.now.seed = tab.seed = seeds.next(spec.task, tab.now.seed);
    return show(spec, tab, { ...atWork(true), seed: tab.seed });
  };

  /** A run begins, of the values that `asked` has just noted; `names` are those that it depends on, and the seed
      is the value number `seedAt`: the box may not say yet which one it is. */
  const begun = (task, slot, names, values, seedAt) => {
    const tab = tabOf(task);
    if (names.includes("seed")) tab.now.seed = tab.seed;
    if (seedAt !== null) values[seedAt] = tab.seed;
    tab.begun[slot] = Object.fromEntries(names.map((name) => [name, tab.now[name] ?? null]));
    tab.begun[slot]["photo:file"] = tab.photo;
    tab.running.add(slot);
    return values;
  };

  /** Show what a run has reached by now where its result will be, behind the words of the wait; "": nothing. */
  const coming = (task, url) => {
    const place = panel(task)?.querySelector(".large [data-testid='status-tracker']");
    const shows = Boolean(url) && busy(task); // not what was asked for before the end, and comes after it
    place?.style.setProperty("--coming", shows ? `url("${url}")` : "none");
    place?.classList.toggle("coming", shows);
  };

  /** Return whether something runs in a tab. */
  const busy = (task) => tabOf(task).running.size > 0;

  /** Return what the seed's box says after a run: the seed that was used, unless another was typed meanwhile. */
  const used = (task, details, seed) =>
    [-1, tabOf(task).seed].includes(seed) ? details?.recipe?.settings?.seed ?? seed : seed;

  /** The run of a drawing goes on, now that the drawing is a file. */
  const drawn = (task, slot, values, seedAt) => {
    const { begun, seed } = tabOf(task);
    values[seedAt] = seed;
    Object.assign(begun[slot], { given: plain(values[0]), "photo:file": values[0] });
    return values;
  };

  /** Another photo was given by hand: the number of a face belongs to the one before, or to a recipe. */
  const replaced = (spec, ...values) => {
    const tab = remember(spec, values);
    const out = tab.now.face && tab.now.face !== tab.awaited ? { face: (tab.now.face = 0) } : {};
    if (tab.now.photo) tab.awaited = null;
    if (tab.sent) out.align = tab.now.align = true;
    tab.sent = false;
    return show(spec, tab, out);
  };

  const taken = (spec, tab, place, made) => {
    if (place === "one") tab.made = {}; // with it go those of all faces
    tab.made[place] = made;
    tab.failed = false;
    return { source: made["photo:file"], ...(spec.gallery ? { first: update({ selected_index: null }) } : {}) };
  };

  /** A run is over. */
  const over = (spec, tab, slot) => {
    tab.running.delete(slot);
    tab.waiting = tab.running.size > 0;
    coming(spec.task, "");
  };

  /** A run has succeeded; the last value is the result's details. */
  const done = (spec, slot, ...values) => {
    const tab = remember(spec, values);
    const made = tab.begun[slot];
    const used = values.at(-1)?.recipe?.settings?.seed;
    tab.stopped = ""; // it was done before it could be stopped
    over(spec, tab, slot);
    if (slot !== "every" && made.seed === -1) made.seed = [-1, used]; // chosen by chance, and written back
    const out = taken(spec, tab, slot === "every" ? "every" : "one", made);
    Object.assign(out, atWork(tab.waiting));
    // It is shared once all that belongs to it is there.
    return show(spec, tab, slot === "every" ? out : { ...out, share: update({ interactive: false }), shared: null });
  };

  /** A run has failed, or nobody waits for it. */
  const ended = (spec, slot, ...values) => {
    const tab = remember(spec, values);
    over(spec, tab, slot);
    tab.failed = !tab.stopped;
    const out = atWork(tab.waiting);
    // The seed was chosen with the click: nobody has changed it.
    if (tab.failed && tab.seed !== null && tab.now.seed === tab.seed) out.seed = tab.now.seed = tab.before;
    return show(spec, tab, out);
  };

  const stopped = (spec, ...values) => {
    const tab = remember(spec, values);
    tab.running.clear();
    tab.waiting = false;
    forgive(spec.task); // Gradio may hear of the end of the work before it hears that nobody waits for it
    tab.stopped ||= tab.made.one || tab.made.every ? "Stopped: this is the result before." : "Stopped.";
    coming(spec.task, "");
    return show(spec, tab, atWork(false));
  };

  /** An example is opened, or a result of this visit: its input and its result come together. */
  const opening = (task, values, own = false) => {
    Object.assign(tabOf(task), { opening: true, own });
    return values;
  };

  /** A tab is opened: return whether that is for the first time, when it begins with its example; without `here`
      it does not, because something else is put there. */
  const begin = (task, here = true) => {
    const tab = tabOf(task);
    if (tab.entered) return false;
    tab.entered = true;
    tab.opening = here;
    if (here) sheets.press(`preset-${task}`);
    return here;
  };

  /** Return whether a tab has what it begins with. */
  const hasBegun = (task) => Boolean(tabs[task]?.entered) && !tabs[task].opening;

  /** Return the link that a recipe's query makes at the address under which the page is seen; others as they are. */
  const address = (text) => (text?.startsWith("?task=") ? location.origin + location.pathname + text : text);

  /** A tab begins with an example, whose files get the address of this page. */
  const preset = (task, values) => {
    tabOf(task).opening = true;
    const root = (window.gradio_config?.root ?? location.origin).replace(/\/$/, "");
    return JSON.parse(JSON.stringify(values), (key, value) =>
      typeof value !== "string" ? value
        : key === "url" && value.startsWith("/gradio_api/") ? root + value
          : address(value));
  };

  /** An example is open, or could not be opened: `here` says which. */
  const opened = (spec, here, ...values) => {
    const tab = remember(spec, values);
    tab.opening = false;
    if (here && !tab.own) tab.example = { ...tab.now };
    tab.own = false;
    session.arrive(spec.task); // what was given elsewhere before this tab was opened
    tab.stopped = "";
    return show(spec, tab, here ? taken(spec, tab, "one", { ...tab.now, "photo:file": tab.photo }) : {});
  };

  /** Something that belongs to a result has come: it goes again where the result is gone. */
  const settled = (spec, ...values) => {
    const tab = remember(spec, values);
    return show(spec, tab, tab.made.one || tab.made.every ? {} : nothing());
  };

  /** The result is all there, its link the last value: the page knows its own address; `said` goes with it. */
  const addressed = (spec, said, ...values) => {
    const [link, out] = [values.at(-1), settled(spec, ...values)];
    const info = /&example=/.test(link) ? said.input : said.alone;
    const at = spec.outputs.indexOf("link");
    out[at] ??= update({ value: address(link), info });
    return out;
  };

  /** The input was taken away or replaced by hand. */
  const emptied = (spec, ...values) => {
    const tab = remember(spec, values);
    tab.outdated ||= Boolean(tab.made.one);
    tab.made = {};
    return show(spec, tab, nothing());
  };

  /** A result of another tab becomes the photo, taken as it is; one that is given by hand has its face found again. */
  const sent = (task) => (tabOf(task).sent = true);

  /** Return what the result that is shown was made of: another result has another such object. */
  const madeOf = (task) => tabOf(task).made.one;

  /** A recipe has set the controls of its tab: its face is one of the photo that comes next. Open the tab. */
  const restored = (task, face) => {
    if (!task) return update({});
    tabOf(task).awaited = face ?? null;
    seeds.lock(task, true); // whoever opens it wants the same faces
    begin(task, false);
    return update({ selected: task });
  };

  /** The inputs of a tab change places: the settings of its example stay. */
  const keeps = (task) => (tabOf(task).example = null);

  /** Return which picture of a gallery is looked at: the one that is marked there, or else the last that was. */
  const picked = (id, last) => {
    const thumbnails = [...document.querySelectorAll(`#${id} .thumbnail-item`)];
    const index = thumbnails.findIndex((button) => button.classList.contains("selected"));
    return index < 0 ? last : index;
  };

  // The face that was clicked last among the thumbnails of a photo's faces.
  let face = 0;
  const clicked = () => face;
  document.addEventListener("click", (event) => {
    const faces = [...(event.target.closest?.(".faces")?.querySelectorAll(".thumbnail-item") ?? [])];
    const index = faces.indexOf(event.target.closest?.(".thumbnail-item"));
    if (index >= 0) face = index;
  }, true);

  // A stroke, an undo or a cleared sheet makes another drawing. The editor would say so only together with
  // sending the whole sheet to the server, each time.
  const redrawn = (pad) => {
    const ways = pad.closest(".tabitem")?.parentElement; // the pad's own tab, among the ways to give a drawing
    const button = ways?.closest(".tabitem")?.querySelector("[id^='strokes-']");
    if (!button) return;
    tabOf(button.id.slice("strokes-".length)).strokes += 1;
    button.click();
  };
  let drawing = null;
  const at = (event, where) => event.target.closest?.(where);
  document.addEventListener("pointerdown", (event) => (drawing = at(event, ".pad canvas")), true);
  document.addEventListener("pointerup", () => {
    if (drawing) redrawn(drawing);
    drawing = null;
  }, true);
  document.addEventListener("click", (event) => {
    const button = at(event, ".pad .separator ~ button");
    if (button) redrawn(button);
  }, true);

  return {
    changed, asked, begun, drawn, done, ended, stopped, opening, opened, settled, addressed, emptied, replaced, restored, picked,
    converts, clicked, busy, used, keeps, begin, hasBegun, address, preset, original, sent, madeOf, coming,
  };
})();
