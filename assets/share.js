// Hands the visitor the picture of a result: to the sheet that a phone shares with, or as a download. Nothing is
// sent anywhere. psp/ui/share.py makes the picture.

const sharing = (() => {
  const made = {}; // by task, what the result was made of whose picture was asked for

  const asked = (task, values) => {
    made[task] = results.madeOf(task);
    return values;
  };

  const save = (url, name) => {
    const link = Object.assign(document.createElement("a"), { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
  };

  /** The picture is ready; it is nobody's where another result has come, or none is left. */
  const hand = async (task, file) => {
    if (!file?.url || !made[task] || made[task] !== results.madeOf(task)) return;
    const name = file.orig_name ?? "psp-studio.png";
    const sheet = navigator.canShare && matchMedia("(pointer: coarse)").matches;
    if (sheet) {
      try {
        const parcel = { files: [new File([await (await fetch(file.url)).blob()], name, { type: "image/png" })] };
        if (navigator.canShare(parcel)) return await navigator.share(parcel);
      } catch (error) {
        if (error.name === "AbortError") return; // closed by the visitor
      }
    }
    save(file.url, name);
  };

  return { asked, hand };
})();
