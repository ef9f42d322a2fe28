"""A knowledge base over HTTP, for programs on the same machine."""
