"""The pads to draw on: the sheet, the portrait beside it, and what is offered for what was put there."""
