"""The messages: one file per family, each builds a request or reads an answer, with no I/O, clock or randomness."""
