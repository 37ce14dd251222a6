"""The command line, ``python -m psp COMMAND``: the only room that reads arguments and prints.

``main`` joins the commands; the other modules have the arguments of one or a few, and what these ask for.

Words:
    command: the first word after ``python -m psp``; the tasks of the page are commands, and seven more.
    option: what begins with ``--``; argument: a word on the command line, or what it is turned into.
    report: what takes one line to show; a command that prints nothing itself is given it.
    handler: what replaces the signs that a terminal's encoding does not have.
"""
