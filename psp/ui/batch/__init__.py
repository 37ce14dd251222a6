"""The Batch tab: many photos, or a zip file of them, through one task.

Words:
    visit: one visitor's batch: the files, the folder that they are worked on in, what was asked for.
    stretch: the work of one request: some seconds, then others have their turn; the page asks for the next.
"""
