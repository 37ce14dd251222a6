"""The command line, ``psp COMMAND``: the only room that reads arguments and prints.

``main`` joins the commands; the other modules have the arguments of one or a few, and what these ask for.

Words:
    command: the first word after ``python -m psp``; the tasks of the page are commands, among others.
    option: what begins with ``--``, or what was read from it; argument: any other word after a command.
    report: what takes one line to show; commands that print nothing themselves are given it.
    handler: what replaces the signs that a terminal's encoding does not have.
"""
