"""Models by name: which there are, what a name means, and what is on this machine. Opens no weights.

``table`` has those that come with the studio, ``own`` the user's, ``folder`` says how a folder holds several,
``hub_name`` what the name of a repository is, ``lookup`` joins them.

Words:
    family: models of one size and look, one for each task, under one name.
    task: what is done: encode, frontalize, toonify, …; most have a model of their own.
    entry: one file of a family: task, source, hash.
    auxiliary: files that training and measuring use, such as face networks; no task's model.
    Hub: Hugging Face's; revision: one of its commits, to which a download is held.
"""
