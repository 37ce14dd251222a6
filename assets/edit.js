// Sliders for edits: they write the text of the edits, and move to what a text from elsewhere says. The text is
// what counts (psp/codes/edits.py); psp/ui/edit calls this. The face beside the sliders follows.

const editing = (() => {
  const MOMENT = 150; // milliseconds
  const PART = /^([a-z][a-z0-9_-]*):([+-]?(?:\d+\.?\d*|\.\d+))$/;
  const plain = (text) => String(text ?? "").replace(/\s+/g, "").toLowerCase().replace(/[−–]/g, "-");
  const decimal = (amount) => String(Math.round(1e4 * amount) / 1e4);
  const preview = follower(".edited", "preview-edit", "The face, edited");
  const own = ownTexts();

  /** Return the parts of a text, [name, amount] each; what cannot be read is left out. */
  const parts = (text) =>
    plain(text).split(",").map((part) => PART.exec(part)).filter(Boolean).map(([, name, amount]) => [name, Number(amount)]);

  /** A slider was moved by hand: return the text, with what no slider says as it was. */
  const written = (names, text, amounts) => {
    const others = parts(text).filter(([name]) => !names.includes(name));
    const ours = names.map((name, index) => [name, amounts[index]]).filter(([, amount]) => amount);
    preview.again();
    return own.write([...ours, ...others].map(([name, amount]) => `${name}:${decimal(amount)}`).join(","));
  };

  /** The text has changed, by whomever: return where the sliders stand. */
  const moved = (names, text, amounts) => {
    if (own.has(text)) return amounts.map(() => AS_IT_IS);
    const said = new Map(parts(text));
    return names.map((name, index) => {
      const amount = Math.min(Math.max(said.get(name) ?? 0, -1), 1);
      return amount === amounts[index] ? AS_IT_IS : amount;
    });
  };

  /** Return a text without edits. */
  const none = () => (preview.again(), "");

  // The sliders may have missed a text, while their tab was not in the page yet.
  appears("there-edit", (button) => setTimeout(() => button.click(), MOMENT));

  return { again: preview.again, given: preview.given, made: preview.made, written, moved, none };
})();
