"""What a visit carries along: one photo for all tabs, results that are sent on, the strip of results."""
