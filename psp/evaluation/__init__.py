"""Measuring: what a model makes of held-out pictures, or what any code has made, beside what it should be.

``run`` is one evaluation; ``pictures``, ``given``, ``results`` and ``generator`` are its kinds, ``measures``,
``drawings`` and ``tasks`` the figures, ``table`` shows them.

Words:
    L2, LPIPS, identity: the measures of the paper, section 4; identity is the cosine of CurricularFace.
    CurricularFace, ArcFace: face networks; which one a file holds is read from it.
    held out: pictures that no training has seen, in ``val``.
    variety: how far results of one input with other styles are apart.
    row: one line of a table; bench: what collects the figures of a table.
"""
