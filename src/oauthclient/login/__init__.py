"""A login on a person's machine: browser, listener, pages, codes."""
