"""``helpr doctor``: what is wrong with this Helpr, and how to mend it."""
