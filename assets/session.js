// What a visit carries along, in the browser alone: the photo that follows from tab to tab, results that are sent
// on as photos, and the strip of results. psp/ui/session says of each tab where these things go.

const session = (() => {
  const MOST = 24, SIDE = 96; // results in the strip; pixels of its pictures
  const none = { __type__: "update" }; // leaves a component as it is
  const update = (changes) => ({ __type__: "update", ...changes });

  let photo = null; // the one that was given by hand last
  let origin = null; // the tab that it was given in
  let open = null; // the tab that is seen
  const has = {}; // by task: the photo that followed there

  /** A photo has come into a tab, by hand or as the same one in a type that browsers show. */
  const given = (task, now, byHand) => {
    if (byHand) {
      [photo, origin] = [now, task];
      has[task] = now?.path;
      if (open !== task) arrive(open); // the upload took longer than the way to another tab
    } else if (photo && now && task === origin && results.original(now.path) === results.original(photo.path)) {
      photo = now;
      has[task] = now.path;
    }
    return [];
  };

  const sent = {}; // by task: a result that was sent there, until it is taken

  /** A tab was opened: for the first time it begins with its example; then what comes from elsewhere is taken. */
  const enter = (task) => {
    open = task;
    if (!results.begin(task)) arrive(task);
    return [];
  };

  const arrive = (task) => {
    if (sent[task] || (photo && has[task] !== photo.path)) sheets.press(`follow-${task}`);
  };

  /** Return the photo that comes: one that follows has its largest face found, a result is a crop of one already. */
  const follow = (task, way, trace) => {
    const result = sent[task];
    const ways = !way ? [] : result ? [update({ selected: way }), way] : [none, none];
    delete sent[task];
    settle(task);
    if (!result) return [photo, true, 0, ...ways];
    results.sent(task);
    if (trace) sheets.press(trace);
    return [result, false, 0, ...ways];
  };

  /** From now on a tab has its own picture: the photo of the others stays away until another one is given. */
  const settle = (task) => (has[task] = photo?.path);

  let wanted = ""; // the task that a result is to be sent to

  const send = (from, first, chosen) => {
    const picked = results.picked(`results-${from}`, chosen);
    const picture = Array.isArray(first) ? first[picked]?.image : first;
    if (!picture || !wanted) return none;
    sent[wanted] = picture;
    scrollTo({ top: 0 });
    return update({ selected: wanted });
  };

  const thumbnail = async (url) => {
    const picture = new Image();
    picture.src = url;
    await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIDE;
    canvas.getContext("2d").drawImage(picture, 0, 0, SIDE, SIDE);
    return canvas.toDataURL("image/webp", 0.8);
  };

  /** A run has succeeded: keep what its tab shows now. The list is in another one: Gradio takes that for all outputs. */
  const keep = async (spec, kept, ...values) => {
    const held = kept ?? [];
    const now = Object.fromEntries(spec.read.map((name, index) => [name, values[index]]));
    const made = results.madeOf(spec.task);
    const shown = now.slider?.[1];
    if (!made || !shown) return [held]; // the input has changed meanwhile
    now.given = made["photo:file"] ?? now.given;
    for (const name of spec.settings) if (name in made) now[name] = Array.isArray(made[name]) ? made[name][1] : made[name];
    try {
      const entry = { task: spec.task, picture: shown.path, small: await thumbnail(shown.url), values: now };
      return [[entry, ...held.filter((each) => each.picture !== entry.picture)].slice(0, MOST)];
    } catch {
      return [held]; // its picture is gone already
    }
  };

  let asked = 0; // the place in the strip that was clicked

  /** Bring back the result that was clicked, or take it out of the strip if its files are gone. */
  const again = async (spec, kept) => {
    const entry = kept?.[asked];
    const asks = { cache: "no-store", headers: { Range: "bytes=0-0" } };
    const there = entry && (await fetch(entry.values.slider[1].url, asks).catch(() => null))?.ok;
    if (!there) return [(kept ?? []).filter((each) => each !== entry), none, ...spec.written.map(() => none)];
    settle(spec.task);
    results.begin(spec.task, false);
    seeds.lock(spec.task, true);
    const value = (name) =>
      name === "ways" ? update({ selected: spec.way })
        : name === "way" ? spec.way
          : name === "share" ? update({ interactive: true })
          : name === "link" ? results.address(entry.values.link)
          : name === "paste" ? update({ interactive: Boolean(entry.values.details?.alignment) })
            : ["save", "archive"].includes(name) ? update({ value: entry.values[name], interactive: Boolean(entry.values[name]) })
              : entry.values[name];
    return [none, update({ selected: spec.task }), ...results.opening(spec.task, spec.written.map(value), true)];
  };

  /** Return the strip as HTML. */
  const render = (kept) => {
    if (!kept?.length) return "";
    const strip = document.createElement("div");
    strip.className = "strip-row";
    strip.append(Object.assign(document.createElement("h2"), { textContent: "This visit" }));
    kept.forEach((entry, index) => {
      const name = document.getElementById(`run-${entry.task}`)?.textContent.trim() ?? entry.task;
      const button = Object.assign(document.createElement("button"), { type: "button", title: name });
      button.dataset.again = index;
      button.dataset.task = entry.task;
      button.append(Object.assign(document.createElement("img"), {
        src: entry.small, width: SIDE, height: SIDE, alt: `Bring back result ${index + 1}: ${name}`,
      }));
      strip.append(button);
    });
    strip.append(Object.assign(document.createElement("button"), {
      type: "button", className: "strip-forget", textContent: "Forget these",
    }));
    return strip.outerHTML;
  };

  document.addEventListener("click", (event) => {
    const at = (where) => event.target.closest?.(where);
    const sends = at("[data-send]"), kept = at("[data-again]");
    if (sends) {
      wanted = sends.dataset.send;
      tabs.leave();
      document.getElementById(`send-${sends.dataset.from}`)?.click();
    } else if (kept) {
      asked = Number(kept.dataset.again);
      tabs.leave();
      settle(kept.dataset.task);
      document.getElementById(`again-${kept.dataset.task}`)?.click();
      scrollTo({ top: 0 });
    } else if (at(".strip-forget")) {
      document.getElementById("strip-forget")?.click();
    }
  });

  return { given, enter, arrive, follow, send, keep, again, render };
})();
