"""What the page is to programs: what its API says of itself, and its tools for language models (MCP)."""
