// Three sliders for a mixture: they write the text of the layers, and move to what a text from elsewhere says.
// The text is what counts (psp/codes/latents.py); psp/ui/mix calls this. The mixture beside the sliders is made
// anew by pressing a hidden button, once nothing has moved for a moment.

const mixing = (() => {
  const MOMENT = 150, WHILE = 300; // milliseconds
  const PART = /^(?:(auto|all|[a-z]+)|[\d-]+)(?::(1|0|0?\.\d+|1\.0+))?$/;
  const plain = (text) => String(text ?? "").replace(/\s+/g, "").toLowerCase();
  const decimal = (share) => String(Math.round(100 * share) / 100);

  /** Return the text of the layers for the shares of the groups `names`. */
  const text = (names, shares) => {
    const [first] = shares;
    if (shares.every((share) => share === first)) return first === 1 ? "all" : `all:${decimal(first)}`;
    const part = (name, share) => (share === 1 ? name : `${name}:${decimal(share)}`);
    return names.map((name, index) => shares[index] > 0 && part(name, shares[index])).filter(Boolean).join(",");
  };

  /** Return the shares that a text says by names alone; null where it has numbers of layers, or makes no sense. */
  const read = (names, given) => {
    const shares = names.map(() => 0);
    for (const part of (plain(given) || "auto").split(",")) {
      const [, word, share] = PART.exec(part) ?? [];
      const meant = word === "all" ? names : word === "auto" ? names.slice(-1) : names.filter((name) => name === word);
      if (!meant.length) return null;
      meant.forEach((name) => (shares[names.indexOf(name)] = Number(share ?? 1)));
    }
    return shares;
  };

  const seen = (what) => [...document.querySelectorAll(what)].find((element) => element.checkVisibility());

  let waiting = 0;
  let missed = false; // it was asked for while another tab was open
  let madeOf = ""; // the two pictures whose mixture is shown, or asked for
  const both = (...files) => files.map((file) => file?.path ?? "").sort().join(); // in whatever order

  /** The mixture would be another one now. */
  const again = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const live = seen(".mixture");
      missed = !live; // another tab is open, or a GPU is lent call by call
      if (missed) return;
      live.classList.add("behind");
      document.getElementById("blend-mix")?.click();
    }, MOMENT);
    return [];
  };

  const AS_IT_IS = { __type__: "update" };
  const own = new Set(); // the texts that were just written: they come back while a slider is still moving
  let forgetting = 0;

  /** One of the pictures has changed, by whomever: an example brings its mixture with it. */
  const given = (photo, style) => {
    const now = both(photo, style);
    setTimeout(() => {
      if (now === madeOf) return;
      madeOf = now;
      again();
    }, WHILE);
    return [];
  };

  /** A slider was moved by hand: return the text. */
  const written = (names, shares) => {
    own.add(text(names, shares));
    clearTimeout(forgetting);
    forgetting = setTimeout(() => own.clear(), 1000);
    again();
    return text(names, shares);
  };

  /** The text has changed, by whomever: return where the sliders stand. Numbers of layers the server reads. */
  const moved = (names, button, given, shares) => {
    if (own.has(given) || text(names, shares) === plain(given)) return shares.map(() => AS_IT_IS);
    const said = read(names, given);
    if (!said) sheets.press(button);
    return said ?? shares.map(() => AS_IT_IS);
  };

  /** A result has come, or an example with its own: it is the mixture that the sliders say. */
  const made = (gallery, photo, style) => {
    const item = gallery?.at(style ? -1 : 0)?.image;
    if (!item?.url) return AS_IT_IS;
    madeOf = both(photo, style);
    missed = false;
    const picture = Object.assign(new Image(), { src: item.url, alt: "The mixture" });
    const figure = document.createElement("figure");
    figure.append(picture);
    return figure.outerHTML;
  };

  // A tab is put into the page when it is opened for the first time: the sliders may have missed a text.
  let there = null;
  const sight = new IntersectionObserver(() => missed && again());
  new MutationObserver(() => {
    const button = document.getElementById("there-mix");
    if (button === there) return;
    there = button;
    setTimeout(() => button?.click(), MOMENT);
    document.querySelectorAll(".mixture").forEach((live) => sight.observe(live));
  }).observe(document, { childList: true, subtree: true });

  return { again, given, written, moved, made };
})();
