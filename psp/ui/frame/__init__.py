"""What is around the tabs: theme, masthead, foot, the tab in the address, warming up, the card for links."""
