"""The server as a process, in each async mode."""
