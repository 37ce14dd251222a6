"""The terms of the training objective; each is also a measure of its own.

Words:
    LPIPS: a distance of two pictures as people see it, in the features of a network (AlexNet).
    identity loss: one minus the cosine of two faces' features, by ArcFace or dlib's descriptor.
    similarity loss: the same for pictures without faces, by MoCo v2, which learned without labels.
    w-norm: how far a code is from the average one.
    R1: a penalty on a discriminator's gradient; path length: on how unevenly a generator moves.
    objective: the weighted sum of the terms.
"""
