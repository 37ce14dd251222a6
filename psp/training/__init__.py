"""Training of pSp: presets, the coach and its loop, and what a run leaves behind.

``data`` is what a run learns from, ``gan`` trains a generator by itself.

Words:
    preset: every number of a run that the studio knows, by name; overrides change some.
    coach: what trains the networks, step by step.
    run: one training in one folder, which can be resumed from its state.
    EMA: the exponential moving average of the weights; where one is taken, a run hands that out.
    Ranger: the paper's optimizer: rectified Adam, looked ahead, with centred gradients.
    synthetic: drawn from the generator by a seed, so that the codes behind a picture are known.
    norms: the statistics of batch normalisation.
    sheet, gallery: pictures of what the model makes, side by side; scalars, curves: its losses over time.
    Accelerate: Hugging Face's; one run on many GPUs and machines.
"""
