"""The page: Gradio lives here only.

``app`` is the whole page; each tab has a file, ``layout`` and ``drawing`` say what tabs look like, and
``controls``, ``preview`` and ``results`` are their parts. What stands before the page is in ``gate``.

Words:
    tab: one task of the page; endpoint: its function for programs, ``/encode`` and so on.
    control: what a person sets; Gradio calls it a component.
    queue: how Gradio lets a function run, and how many of them at a time.
    pad: where a person draws; map painter: the pad for maps, one colour a class.
    fresh: results that belong to what is shown beside them; other results are marked or emptied.
    before and after: the slider over an input and its result.
"""
