"""Faces in photos: found, cut out as the models want them, compared, and looked at for what is unusual.

Words:
    landmarks: 68 points of a face, by dlib: jaw, brows, nose, eyes, mouth.
    alignment: the square crop of FFHQ, the data set that pSp's models know: eyes level, mouth below them.
    quad: the four corners of the crop in the photo, which may be turned and may lie outside.
    yaw: how far a face is turned to the side.
    identity: who somebody is; two faces' distance is that of their descriptors, 128 numbers a face.
    doubt: a warning that a photo is of a kind that the models do not know.
"""
