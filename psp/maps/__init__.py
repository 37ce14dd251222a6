"""Maps: pictures that say of every pixel which part of a face it is, read, shown and made of photos.

Words:
    map, labels: class numbers, uint8 [H,W]; a "segmentation" or "mask" elsewhere.
    classes: what the numbers stand for: the 19 of CelebAMask-HQ for faces, a model's own else.
    palette: one colour a class, by which maps are pictures that people can see and paint.
    one-hot: a map as numbers for a network, [N,classes,H,W]: 1 in the plane of the pixel's class, else 0.
    parser: what makes a map of a photo: here landmarks and colour; a network is in ``psp.inference``.
    colour regions: background, skin, hair and clothes, told apart by the colours that each has in a photo.
"""
