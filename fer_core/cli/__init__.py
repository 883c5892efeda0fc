"""What can be done without a browser: a room for every group of commands."""
