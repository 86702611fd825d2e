"""main.py of a board with midge: thin."""
