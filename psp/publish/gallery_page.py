"""The page of a gallery, as HTML: what comes from files is escaped, and nothing is asked of other hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from psp.checkpoints.card import clean
from psp.codes.recipe import Recipe
from psp.inference.examples import Example
from psp.tasks import TASKS

# Pages that are opened from a disk have "file:" for their own place.
_POLICY = "default-src 'self' file: data:; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Item:
    """One result on the page.

    Attributes:
        slug: Its name in addresses and files: small letters, digits, hyphens.
        name: What it is called.
        recipe: How it was made.
        size: Side of the picture in pixels.
        shown: Side of the copy on the page.
        before: Whether what the model saw is shown beside it.
        example: The example that it is made of; None: of something else.
    """

    slug: str
    name: str
    recipe: Recipe
    size: int
    shown: int
    before: bool
    example: Example | None

    def link(self, studio: str) -> str:
        """Return the address that opens the recipe in the studio, with its input where that is an example."""
        query = self.recipe.to_query()
        return studio + query + (f"&example={self.example.link}" if self.example else "")

    def settings(self) -> str:
        """Return model and settings in a few words."""
        task, said = TASKS[self.recipe.task], [clean(self.recipe.model)]
        said += [
            f"{setting.label.lower()} {self.recipe.settings[setting.name]}"
            for setting in task.own()
            if self.recipe.settings.get(setting.name, setting.default) != setting.default
            and setting.name != "variants"
        ]
        if self.recipe.settings.get("face"):
            said.append(f"face {self.recipe.settings['face']}")
        if "variant" in self.recipe.settings:
            said.append(f"variant {int(self.recipe.settings['variant']) + 1}")
        return " · ".join(said)


@dataclass(frozen=True)
class About:
    """What the page says besides its pictures.

    Attributes:
        title: Its title.
        studio: Address of the studio that its links open.
        url: Address at which the page will be; empty: not known.
        licence: What the person who made it says of its use; empty: nothing.
        terms: What the models are bound to, one sentence each.
        examples: Whose pictures the inputs are that are examples, one sentence each.
        credits: Name and text of the file of licences; None: there is none.
    """

    title: str
    studio: str
    url: str = ""
    licence: str = ""
    terms: Sequence[str] = ()
    examples: Sequence[str] = ()
    credits: tuple[str, str] | None = None


def gallery_html(items: Sequence[Item], about: About) -> str:
    """Return ``index.html``; pictures, style and script lie beside it.

    Args:
        items: The results, those of one task together.
        about: What it says besides.
    """
    parts = [
        _head(items, about),
        f"<header>\n<h1>{escape(about.title)}</h1>\n<p>{_INTRODUCTION}</p>\n</header>\n<main>",
    ]
    for task, group in groupby(items, key=lambda item: item.recipe.task):
        cards = "\n".join(_card(item, about.studio) for item in group)
        title, caption = (escape(text) for text in (TASKS[task].title, TASKS[task].caption))
        parts.append(
            f'<section aria-labelledby="task-{task}">\n<h2 id="task-{task}">{title}</h2>\n'
            f'<p class="about">{caption}</p>\n<ul class="items">\n{cards}\n</ul>\n</section>'
        )
    parts += ["</main>", _foot(about), '<script src="gallery.js"></script>\n</body>\n</html>\n']
    return "\n".join(parts)


_INTRODUCTION = (
    "Every result here is a <strong>synthetic</strong> face: a neural network (pixel2style2pixel) drew it. "
    "Drag the line, or use the arrow keys, to see what it was drawn from."
)


def _head(items: Sequence[Item], about: About) -> str:
    title, place = escape(about.title), about.url.rstrip("/")
    told = escape(f"{len(items)} synthetic faces by pixel2style2pixel, each beside what it was made from.")
    properties = {
        "og:type": "website",
        "og:title": title,
        "og:description": told,
        "og:image": f"{escape(place)}/preview.jpg" if place else "preview.jpg",
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": "Synthetic faces of this gallery, side by side",
        **({"og:url": f"{escape(place)}/"} if place else {}),
    }
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{title}</title>",
        f'<meta name="description" content="{told}">',
        '<meta name="generator" content="pSp Studio">',
        '<meta name="twitter:card" content="summary_large_image">',
        *(f'<meta property="{name}" content="{value}">' for name, value in properties.items()),
        '<link rel="icon" href="data:,">',
        '<link rel="stylesheet" href="gallery.css">',
        "</head>",
        "<body>",
    ]
    return "\n".join(lines)


def _card(item: Item, studio: str) -> str:
    name, slug = escape(item.name), item.slug
    title = escape(TASKS[item.recipe.task].title)
    size = f'width="{item.shown}" height="{item.shown}"'
    after = _image("after", f"{slug}.webp", size, f"Result, a synthetic face: {name}, {title}")
    if item.before:
        picture = (
            f'<div class="picture compare">\n{after}\n'
            f"{_image('before', f'{slug}-before.webp', size, f'What the model saw: {name}')}\n"
            '<input type="range" min="0" max="100" value="50" step="1" '
            f'aria-label="Before and after: {name}, {title}">\n'
            '<span class="side left" aria-hidden="true">before</span>'
            '<span class="side right" aria-hidden="true">after</span>\n</div>'
        )
    else:
        picture = f'<div class="picture">\n{after}\n</div>'
    return (
        f'<li id="{slug}"><figure>\n{picture}\n<figcaption>\n<strong>{name}</strong>\n'
        f"<span>{escape(item.settings())}</span>\n"
        f'<span class="links"><a href="{escape(item.link(studio))}" target="_blank" rel="noopener">'
        "Open in the studio</a>"
        f' <a href="pictures/{slug}.png">PNG, {item.size} px</a></span>\n</figcaption>\n</figure></li>'
    )


def _image(kind: str, file: str, size: str, alt: str) -> str:
    return f'<img class="{kind}" src="shown/{file}" {size} loading="lazy" alt="{alt}">'


def _foot(about: About) -> str:
    said: list[str] = [f"<p>{escape(about.licence)}</p>"] if about.licence else []
    said.append(
        "<p>These are no photos of anybody. Do not use them to deceive, or to tell who somebody is.</p>"
    )
    said += [f"<p>Model {escape(text)}</p>" for text in about.terms]
    if about.examples:
        listed = "\n".join(f"<li>{escape(text)}</li>" for text in about.examples)
        said.append(
            f"<details><summary>Examples among the inputs</summary>\n<ul>\n{listed}\n</ul>\n</details>"
        )
    if about.credits:
        name, text = about.credits
        said.append(
            f"<details><summary>Licences and credits</summary>\n<pre>{escape(text)}</pre>\n</details>"
        )
        said.append(f'<p><a href="{escape(name)}">{escape(name)}</a></p>')
    said.append("<p>Made with pSp Studio.</p>")
    return "<footer>\n" + "\n".join(said) + "\n</footer>"
