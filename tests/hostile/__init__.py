"""A table of hostile input, over every endpoint: cases are data, by kind; one served studio answers them all.

Words:
    case: what a stranger sends, and where the refusal must come from.
    served: some strange files are pictures all the same; their case may end with a result.
"""
