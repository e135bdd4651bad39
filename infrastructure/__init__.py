"""How things are done: one file or folder per tool, behind the ports of the application."""
