"""The parts of the Video tab: the video and what is done to it, what that costs, the result."""
