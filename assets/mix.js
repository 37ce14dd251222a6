// Three sliders for a mixture: they write the text of the layers, and move to what a text from elsewhere says.
// The text is what counts (psp/codes/latents.py); psp/ui/mix calls this. The mixture beside the sliders follows.

const mixing = (() => {
  const MOMENT = 150; // milliseconds
  const PART = /^(?:(auto|all|[a-z]+)|[\d-]+)(?::(1|0|0?\.\d+|1\.0+))?$/;
  const plain = (text) => String(text ?? "").replace(/\s+/g, "").toLowerCase();
  const decimal = (share) => String(Math.round(100 * share) / 100);
  const preview = follower(".mixture", "blend-mix", "The mixture");
  const own = ownTexts();

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

  /** A slider was moved by hand: return the text. */
  const written = (names, shares) => {
    preview.again();
    return own.write(text(names, shares));
  };

  /** The text has changed, by whomever: return where the sliders stand. Numbers of layers the server reads. */
  const moved = (names, button, given, shares) => {
    if (own.has(given) || text(names, shares) === plain(given)) return shares.map(() => AS_IT_IS);
    const said = read(names, given);
    if (!said) sheets.press(button);
    return said ?? shares.map(() => AS_IT_IS);
  };

  /** A result has come: of steps towards another face the last one is the mixture that the sliders say. */
  const made = (gallery, photo, style) => preview.made(gallery?.at(style ? -1 : 0)?.image, photo, style);

  // The sliders may have missed a text, while their tab was not in the page yet.
  appears("there-mix", (button) => setTimeout(() => button.click(), MOMENT));

  return { again: preview.again, given: preview.given, written, moved, made };
})();
