"""What a run learns from: pictures in folders and zip files, found, checked, drawn, varied and prepared.

Words:
    source: a folder or zip file of pictures; some are held out (val), the others trained on.
    pair: what the encoder sees and what it should make of it, in two folders under one name.
    share: how often a source is drawn, against the others.
    vary: another light, colours and place each time a picture is drawn; augmentation elsewhere.
    prepare: make of a picture what a task's encoder sees: a sketch, a map, fewer pixels.
    cartoon: the target of toonify, made by warps and filters alone.
"""
