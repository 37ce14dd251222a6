// A small picture that follows the sliders beside it: it is made anew by pressing a hidden button, once nothing
// has moved for a moment. Style mixing and Edit have one each.

const AS_IT_IS = { __type__: "update" }; // an output of Gradio's that stays

/**
 * Return what keeps a preview up to date.
 * @param place Selector of the preview.
 * @param ask Id of the button that makes it anew.
 * @param what What it shows, for those who cannot see it.
 */
const follower = (place, ask, what) => {
  const MOMENT = 60, WHILE = 300; // milliseconds
  let waiting = 0;
  let missed = false; // it was asked for while another tab was open
  let madeOf = ""; // the pictures that it shows, or was asked for
  const all = (files) => files.map((file) => file?.path ?? "").sort().join(); // in whatever order
  const seen = () => [...document.querySelectorAll(place)].find((element) => element.checkVisibility());

  /** The picture would be another one now. */
  const again = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const live = seen();
      missed = !live; // another tab is open, or a GPU is lent call by call
      if (missed) return;
      live.classList.add("behind");
      document.getElementById(ask)?.click();
    }, MOMENT);
    return [];
  };

  /** One of the pictures that go in has changed, by whomever: an example brings its result with it. */
  const given = (...files) => {
    const now = all(files);
    setTimeout(() => {
      if (now === madeOf) return;
      madeOf = now;
      again();
    }, WHILE);
    return [];
  };

  /** A result has come, or an example with its own: it is what the sliders say. */
  const made = (image, ...files) => {
    if (!image?.url) return AS_IT_IS;
    madeOf = all(files);
    missed = false;
    const picture = Object.assign(new Image(), { src: image.url, alt: what });
    const figure = document.createElement("figure");
    figure.append(picture);
    return figure.outerHTML;
  };

  const sight = new IntersectionObserver(() => missed && again());
  appears(ask, () => document.querySelectorAll(place).forEach((live) => sight.observe(live)));
  return { again, given, made };
};

/** Do something whenever a button is put into the page: a tab is when it is opened for the first time. */
const appears = (id, then) => {
  let there = null;
  new MutationObserver(() => {
    const button = document.getElementById(id);
    if (button === there) return;
    there = button;
    if (button) then(button);
  }).observe(document, { childList: true, subtree: true });
};

/** The texts that sliders have just written: they come back while a slider is still moving, and move none. */
const ownTexts = () => {
  const LONG = 1000; // milliseconds
  const own = new Set();
  let forgetting = 0;
  const write = (text) => {
    own.add(text);
    clearTimeout(forgetting);
    forgetting = setTimeout(() => own.clear(), LONG);
    return text;
  };
  return { write, has: (text) => own.has(text) };
};
