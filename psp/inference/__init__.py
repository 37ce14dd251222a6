"""From a picture to a result: the tasks of the studio without its page.

``pipeline`` is the studio in Python, ``inputs`` what it is given, ``job`` one request on its way through
``network``, ``result`` what comes back. No torch before a model is wanted.

Words:
    task: one kind of result, such as encode or toonify (``psp.tasks``).
    job, work: one request; what of it the network does, as plain arrays.
    step: told between the parts of a task what is done next; it may raise to stop the work.
    seen: what the encoder saw of an input: the aligned crop, the drawing, the map.
    quality: how near a result is to its input: LPIPS, identity.
    paste back: the result put into the photo where the face was.
    SegFormer: a network that maps photos by the 19 classes, where it can be had.
"""
