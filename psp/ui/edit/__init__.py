"""The parts of the Edit tab: sliders by what they change, the face that follows them, further directions."""
