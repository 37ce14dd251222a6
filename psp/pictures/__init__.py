"""Pictures in and out, before anybody asks what is on them: arrays, formats, colours, sheets with drawings.

``images`` opens whatever people have and makes tensors; ``formats``, ``profiles``, ``levels`` and
``index_maps`` are its parts; ``sketches`` draws photos and reads drawings, by ``papers`` and
``drawing_checks``; ``raster`` has the arithmetic that several share, ``listing`` the pictures in folders.

Words:
    mode: how Pillow says what a pixel is: RGB, L (grey), P (numbers into a palette), …
    EXIF: what a camera writes into a photo; which way up it is stands there.
    profile: an ICC profile: what a file's numbers mean as colours; here all become sRGB.
    levels: the numbers of a pixel; what is black and what is white among them is told from type and range.
    index map: a picture whose pixels are the numbers of classes.
    paper: what a drawing lies on: a layer, a bar, a checkerboard for "transparent".
    plane: one number a pixel, [H,W]; Lab: colours as people see differences (CIE 1976).
    tensor: RGB as floats in [-1,1], [N,3,H,W], as networks take them.
"""
