"""The one exception that means the user, not the program, has something to put right."""


class InputError(Exception):
    """A user's mistake: the message names the place, the value and what was expected."""
