"""The networks: StyleGAN2 generator, IR-SE encoders, and pSp, which joins them. Plain PyTorch, any device.

Words:
    pSp: pixel2style2pixel: an encoder that turns a picture into W+ codes, and a generator after it.
    IR, IR-SE: the residual blocks of ArcFace's networks, without and with squeeze-and-excitation.
    FPN: feature pyramid: coarse features are enlarged and added to finer ones.
    map2style: a small network that makes one code of one map of the pyramid.
    e4e: an encoder with pSp's layers whose codes are one code and an offset a layer.
    ReStyle: encoders that also look at their own picture of a photo; pass, look: once of several times.
    ToRGB: the layers of a generator that make colours; skip: their results are added up.
    modulated: a convolution whose weights are scaled by a code.
    mapping network: random z to a code in W; average code: the mean of many.
    descriptor: dlib's network for 128 numbers a face.
"""
