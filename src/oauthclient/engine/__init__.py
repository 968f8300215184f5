"""Who runs the stories: one driver, one AS client and one store, all synchronous, for every kind of program."""
