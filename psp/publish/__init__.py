"""What leaves the checkout for the web: the studio as a Space on the Hub, and pages of results."""
