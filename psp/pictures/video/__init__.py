"""Videos of strangers: looked at before they are decoded, read frame by frame, and written anew."""
