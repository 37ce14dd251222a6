"""Measuring: what a model makes of held-out pictures, or what any code has made, beside what it should be.

``run`` is one evaluation; ``pictures``, ``given``, ``results`` and ``generator`` are its kinds, ``measures``,
``drawings`` and ``tasks`` the figures, ``table`` shows them; ``names`` says what can be measured.

Words:
    L2, LPIPS: how far a result is from what it should be, by pixels and as people see it.
    identity: the distance of two faces' descriptors, by dlib; similarity: their cosine, by a face network.
    CurricularFace (the paper's), ArcFace: face networks; which one a file holds is read from it.
    ruler: what results are compared with: the networks of these measures.
    held out: pictures that no training has seen, in ``val``.
    variety: how far results of one input with other styles are apart.
    bench: what measuring takes: model and ruler; row: one line of a table.
"""
