"""The parts of the Style mixing tab: two faces, three sliders, the mixture that follows them, its base."""
