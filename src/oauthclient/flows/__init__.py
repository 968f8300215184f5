"""The stories: generators that yield effects and return a value. They do nothing themselves."""
