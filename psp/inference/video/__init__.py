"""A face in a video: found over time, changed frame by frame, and put back into each."""
