"""Codes: what a face is between encoder and generator, as files; how many of them are made, and of what.

Words:
    latent: a code, or several: the numbers that a generator turns into a picture.
    W: a generator's space of codes, one vector of 512 numbers a picture.
    W+: one such vector a layer of the generator, [layers,512]: 18 in StyleGAN2, 23 in the bundled one.
    layers: the first ones decide pose and shape, the middle ones features, the last ones colours.
    style mixing: some layers' codes are another face's, or random, wholly or by a share (alpha).
    variant: one of several faces from one input, each with another random style.
    recipe: what reproduces a result: task, model, hash, settings, seed; it is in every PNG.
"""
